package experiment

import (
	"errors"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/host"
)

// Failed is the error of an action in whose course a component's plugin failed: a finding at the line of the spec that uses the component.
type Failed struct {
	Found diag.List
	Err   error // the same in words
}

func (e *Failed) Error() string { return e.Err.Error() }

// Unwrap returns the error in words.
func (e *Failed) Unwrap() error { return e.Err }

// located returns the error of an action as a *Failed where it is one.
func (x *Experiment) located(action string, err error) error {
	var call *exec.CallError
	if !errors.As(err, &call) || len(call.Node.Origin) == 0 || errors.Is(err, host.ErrClosed) {
		return err
	}
	d := build.PluginFailed(call.Err, call.Node.Origin[0])
	d.Notes = append([]diag.Note{{Message: "in `" + action + "`, layer `" + call.Node.Layer + "`"}}, d.Notes...)
	return &Failed{traced(x.Spec.File, diag.List{d}), err}
}
