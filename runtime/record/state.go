package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// Figure is what a metric has found.
type Figure struct {
	Value     float64 `json:"value"`
	Count     int     `json:"count"`     // how many examples or samples were judged
	Reference string  `json:"reference"` // the split that they were compared with: test, train
	Seed      uint64  `json:"seed"`
	Recipe    string  `json:"recipe"` // what was computed, for people
	// Interval is the confidence interval of 95%; none in the figures of earlier versions, and of what has none.
	Interval Interval `json:"interval,omitzero"`
	// Detail says that it is a part of another figure, such as that of one class or layer, which tables leave out.
	Detail bool `json:"detail,omitempty"`
}

// Interval is a confidence interval of 95%. The zero value is none.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Metrics are figures by action (evaluate digit) and name (mse). A metric of several figures has several names.
type Metrics map[string]map[string]Figure

// Metrics returns the figures of the folder; none where there are none yet.
func (f *Folder) Metrics() (Metrics, error) {
	m := Metrics{}
	if err := readJSON(f.Path(MetricFile), &m); err != nil {
		return nil, fmt.Errorf("read metrics: %w: remove the file and run again, the figures are computed anew", err)
	}
	return m, nil
}

// SetMetric adds a figure, or replaces the one of that name. Its value is a finite number.
func (f *Folder) SetMetric(action, name string, figure Figure) error {
	m, err := f.Metrics()
	if err != nil {
		return err
	}
	if m[action] == nil {
		m[action] = map[string]Figure{}
	}
	m[action][name] = figure
	if err := writeJSON(f.Path(MetricFile), m); err != nil {
		return fmt.Errorf("write metric %s of %s: %w", name, action, err)
	}
	return nil
}

// RemoveMetrics removes the figures of an action, if there are any.
func (f *Folder) RemoveMetrics(action string) error {
	m, err := f.Metrics()
	if err != nil || m[action] == nil {
		return err
	}
	delete(m, action)
	if err := writeJSON(f.Path(MetricFile), m); err != nil {
		return fmt.Errorf("remove metrics of %s: %w", action, err)
	}
	return nil
}

// ActionRecord is what the folder remembers of an action.
type ActionRecord struct {
	Name  string            `json:"name,omitempty"`  // what the spec called it when it was begun; its files are named so
	Key   string            `json:"key"`             // hash of all that the action computes, in hexadecimal
	Parts map[string]string `json:"parts,omitempty"` // what went into the key, by name, so that a difference can be named
	Done  bool              `json:"done"`
	// Updates are those of a training in all; what is done of them the checkpoints say.
	Updates int `json:"updates,omitempty"`
}

// Actions returns the records of the folder by action (train digit); none where there are none yet.
func (f *Folder) Actions() (map[string]ActionRecord, error) { return ReadActions(f.dir) }

// ReadActions returns the records of a run folder that another process may be at work in.
func ReadActions(dir string) (map[string]ActionRecord, error) {
	m := map[string]ActionRecord{}
	if err := readJSON(filepath.Join(dir, ActionFile), &m); err != nil {
		return nil, fmt.Errorf("read actions: %w", err)
	}
	return m, nil
}

// PutAction adds a record, or replaces that of the action.
func (f *Folder) PutAction(action string, r ActionRecord) error {
	m, err := f.Actions()
	if err != nil {
		return err
	}
	m[action] = r
	if err := writeJSON(f.Path(ActionFile), m); err != nil {
		return fmt.Errorf("write action %s: %w", action, err)
	}
	return nil
}

// Options are what a spec was run with.
type Options struct {
	Spec   string   `json:"spec"` // name of its file in the folder spec
	Preset string   `json:"preset,omitempty"`
	Set    []string `json:"set,omitempty"` // as --set has them, in order
	// Near is the folder of the spec from the run folder, with slashes, where its plugins are looked for; "" where it uses none, or where
	// there is no way from one to the other.
	Near string `json:"near,omitempty"`
}

// SetOptions writes down what the spec is run with.
func (f *Folder) SetOptions(o Options) error {
	if err := writeJSON(f.Path(OptionFile), o); err != nil {
		return fmt.Errorf("write options: %w", err)
	}
	return nil
}

// ReadOptions returns what the spec of a run folder was run with. The error wraps fs.ErrNotExist where no run has begun in it.
func ReadOptions(dir string) (Options, error) {
	var o Options
	path := filepath.Join(dir, OptionFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = parseJSON(text, &o)
	}
	if err == nil && (!filepath.IsLocal(o.Spec) || filepath.Base(o.Spec) != o.Spec) {
		err = fmt.Errorf("the spec is called %q", o.Spec)
	}
	if err != nil {
		return Options{}, fmt.Errorf("read options of a run, %s: %w", path, err)
	}
	return o, nil
}

// readJSON reads a file that writeJSON wrote; a missing one leaves to as it is.
func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := parseJSON(text, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// parseJSON accepts one object without unknown fields.
func parseJSON(text []byte, to any) error {
	if t := bytes.TrimLeft(text, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return errors.New("not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more follows after the JSON object")
	}
	return nil
}

func writeJSON(path string, v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	return wholefile.WriteBytes(path, text.Bytes())
}
