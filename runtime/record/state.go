package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// Figure is what a metric has found.
type Figure struct {
	Value     float64 `json:"value"`
	Count     int     `json:"count"`     // how many examples or samples were judged
	Reference string  `json:"reference"` // the split that they were compared with: test, train
	Seed      uint64  `json:"seed"`
	Recipe    string  `json:"recipe"` // what was computed, for people
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
}

// Actions returns the records of the folder by action (train digit); none where there are none yet.
func (f *Folder) Actions() (map[string]ActionRecord, error) {
	m := map[string]ActionRecord{}
	if err := readJSON(f.Path(ActionFile), &m); err != nil {
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
