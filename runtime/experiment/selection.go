package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// Selection names actions: all of a kind, or those of one model.
type Selection struct{ Kind, Model string }

// ParseSelection reads `train`, or `train:digit`.
func ParseSelection(text string) (Selection, error) {
	kind, model, _ := strings.Cut(text, ":")
	if !slices.Contains([]string{"train", "sample", "evaluate", "deploy"}, kind) {
		return Selection{}, fmt.Errorf("%q is none of train, sample, evaluate, deploy, or one of these with `:MODEL`", text)
	}
	return Selection{kind, model}, nil
}

// NothingSelected is the error of a selection that the spec has no action for.
type NothingSelected struct{ Selection Selection }

func (e *NothingSelected) Error() string {
	if e.Selection.Model != "" {
		return fmt.Sprintf("the spec has no `%s %s`", e.Selection.Kind, e.Selection.Model)
	}
	return fmt.Sprintf("the spec has no `%s`", e.Selection.Kind)
}

// selected returns the jobs that --only chooses.
func selected(jobs []*job, only []Selection) ([]*job, error) {
	if len(only) == 0 {
		return jobs, nil
	}
	for _, s := range only {
		if !slices.ContainsFunc(jobs, s.chooses) {
			return nil, &NothingSelected{s}
		}
	}
	var out []*job
	for _, j := range jobs {
		if slices.ContainsFunc(only, func(s Selection) bool { return s.chooses(j) }) {
			out = append(out, j)
		}
	}
	return out, nil
}

func (s Selection) chooses(j *job) bool {
	return s.Kind == j.Kind && (s.Model == "" || s.Model == j.model.Name)
}
