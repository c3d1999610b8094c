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

// Event is one line of events.jsonl. What does not apply is left out; maps are written by name.
type Event struct {
	Action            string             `json:"action"` // as the spec says it: train digit
	Kind              EventKind          `json:"kind"`
	Epoch             int                `json:"epoch,omitempty"`   // whole epochs done
	Step              int                `json:"step,omitempty"`    // updates done
	Seconds           float64            `json:"seconds,omitempty"` // the action has worked, resumed runs together
	Loss              map[string]float64 `json:"loss,omitempty"`    // by term; total is their weighted sum
	Rates             map[string]float64 `json:"rates,omitempty"`   // spikes per neuron and time step, by layer
	ExamplesPerSecond float64            `json:"examples_per_second,omitempty"`
	Figures           map[string]float64 `json:"figures,omitempty"` // of a metric event: what metrics.json has now, by name
	File              string             `json:"file,omitempty"`    // of a sample event: the sheet, in the run folder
}

// EventKind says what an event tells.
type EventKind string

// The kinds of events.
const (
	Step   EventKind = "step"   // an update; loss and rates are those of its batch
	Epoch  EventKind = "epoch"  // the end of an epoch; loss and rates are means over it
	Sample EventKind = "sample" // a sheet was written
	Metric EventKind = "metric" // a figure was written
	Done   EventKind = "done"   // the action is done
)

func (e *Event) check() error {
	switch e.Kind {
	case Step, Epoch, Sample, Metric, Done:
	default:
		return fmt.Errorf("unknown kind %q", e.Kind)
	}
	if e.Action == "" || e.Epoch < 0 || e.Step < 0 {
		return errors.New("no action, or a negative count")
	}
	return nil
}

// line returns the event as a line; an error where a number is not finite.
func (e *Event) line() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(e)
	return append(line, '\n'), err
}

// Line returns the event as Append writes it, with its newline.
func (e Event) Line() ([]byte, error) {
	line, err := e.line()
	if err != nil {
		return nil, fmt.Errorf("write event: %w", err)
	}
	return line, nil
}

// parseEvents returns the lines that are events. What a kill or a crash has torn is dropped, and so is every line that is
// something else.
func parseEvents(text []byte) []Event {
	var events []Event
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' {
			break
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var e Event
		if d.Decode(&e) != nil || e.check() != nil {
			continue
		}
		if _, err := d.Token(); err != io.EOF {
			continue
		}
		events = append(events, e)
	}
	return events
}

// Events returns what the file has; none where there is no file.
func (f *Folder) Events() ([]Event, error) {
	text, err := os.ReadFile(f.Path(EventFile))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return parseEvents(text), nil
}

// Append adds an event. The line is with the system when Append returns, so a kill does not lose it.
func (f *Folder) Append(e Event) error {
	line, err := e.Line()
	if err != nil {
		return err
	}
	if f.events == nil {
		if f.events, err = openLines(f.Path(EventFile)); err != nil {
			return fmt.Errorf("append event: %w", err)
		}
	}
	if _, err := f.events.Write(line); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// openLines opens a file of lines for appending; a torn last line is cut off, so that no new one joins it.
func openLines(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err == nil {
		if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) {
			err = f.Truncate(int64(whole))
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Cut keeps the events that keep says, in their order, and drops the others and all lines that are no events: after a resume
// the file tells what the checkpoint has seen.
func (f *Folder) Cut(keep func(Event) bool) error {
	if err := f.closeEvents(); err != nil {
		return fmt.Errorf("cut events: %w", err)
	}
	text, err := os.ReadFile(f.Path(EventFile))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cut events: %w", err)
	}
	var kept []byte
	for _, e := range parseEvents(text) {
		if !keep(e) {
			continue
		}
		line, err := e.line()
		if err != nil {
			return fmt.Errorf("cut events: %w", err)
		}
		kept = append(kept, line...)
	}
	if bytes.Equal(kept, text) {
		return nil
	}
	return wholefile.WriteBytes(f.Path(EventFile), kept)
}

func (f *Folder) closeEvents() error {
	if f.events == nil {
		return nil
	}
	err := f.events.Close()
	f.events = nil
	return err
}
