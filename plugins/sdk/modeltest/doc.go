// Package modeltest has what tests of model plugins have in common, the built-in ones and those of third parties.
//
//   - Build takes the text of a spec to the Program that a plugin makes of it, in one process and for data of any fields; Ask does so
//     for networks that are no spec's. Main and Host take a spec the whole way, through the plugin's process, to what a user reads.
//   - Golden compares what is answered to the cases of a file, Lines puts the lines of a case in the place of those of a right spec.
//   - Model.Run and Model.Step run functions and training steps on given numbers by the interpreter, in float64; Values, Uniform and
//     Project are how numbers are exchanged with oracles.
//   - Model.Gradient compares the gradient of a training step with finite differences.
//   - Model.Start, Train and Model.Draw train and sample as the host does; Model.DrawsAlone says that samples are independent of each
//     other; Mixture is a distribution whose moments are known, to train on, and judges samples.
//
// Only tests import it: it reaches into the host.
package modeltest
