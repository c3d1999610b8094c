// Package circuit is what targets need of a schema.Circuit: whether it holds together (Verify, VerifyAll, Within), who is connected
// with whom and how many there are of it (Connections, FanIn, FanOut), how the maps of layers lie over each other (Geometry, Axis), and
// what it computes, by a slow and literal reference in floating point (Run), which judges what chips make of it. Package circuittest
// draws circuits at random.
//
// It imports plugins/schema. Targets and package sdk import it.
package circuit
