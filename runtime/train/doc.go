// Package train runs a Program: it initialises and keeps the weights, moves them through the stages of training, draws
// samples and applies exports. It knows no files and prints nothing: the state of a training is a checkpoint.File that its
// caller writes and hands back, and what happens is told through a callback.
//
// Model is a program with its weights (model.go), Trainer one training of it (trainer.go); an update is in update.go, what
// it does to all parameters in span.go, by the rules of optimizer.go. runtime/experiment uses both.
package train
