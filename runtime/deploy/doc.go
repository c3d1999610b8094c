// Package deploy puts trained networks on emulated chips: it places what the target takes (Place), computes circuits in software and on
// the emulated chip for whoever runs the networks (Server), and counts what that takes beside what other things would take (Baselines).
//
// The main types are Part, a network that is to be deployed; Placed, networks cut into circuits; and Server, which is the Chips of a pool
// (opaque.Chips). What is found out goes into a record.Deployment.
//
// Software is event-driven and judged against circuit.Run, the literal reference. runtime/experiment imports this package.
package deploy
