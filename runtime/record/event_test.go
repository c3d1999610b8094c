package record

import (
	"bytes"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var run = []struct {
	event Event
	line  string
}{
	{Event{Action: "train digit", Kind: Step, Epoch: 0, Step: 1, Seconds: 0.25, Loss: map[string]float64{"total": 1.5, "mse": 1, "mmd": 0.5},
		Rates: map[string]float64{"encoder.1.fire": 0.14, "encoder.0.fire": 0}, ExamplesPerSecond: 200},
		`{"action":"train digit","kind":"step","step":1,"seconds":0.25,"loss":{"mmd":0.5,"mse":1,"total":1.5},"rates":{"encoder.0.fire":0,"encoder.1.fire":0.14},"examples_per_second":200}` + "\n"},
	{Event{Action: "train digit", Kind: Epoch, Epoch: 1, Step: 28, Loss: map[string]float64{"total": 1e-9}},
		`{"action":"train digit","kind":"epoch","epoch":1,"step":28,"loss":{"total":1e-9}}` + "\n"},
	{Event{Action: "sample digit", Kind: Sample}, `{"action":"sample digit","kind":"sample"}` + "\n"},
	{Event{Action: "evaluate digit", Kind: Metric}, `{"action":"evaluate digit","kind":"metric"}` + "\n"},
	{Event{Action: "evaluate digit", Kind: Done, Seconds: 3}, `{"action":"evaluate digit","kind":"done","seconds":3}` + "\n"},
}

func TestAppend(t *testing.T) {
	f := open(t)
	if events, err := f.Events(); err != nil || len(events) != 0 {
		t.Errorf("of no file: %v, %v", events, err)
	}
	var want []byte
	var events []Event
	for _, x := range run {
		if err := f.Append(x.event); err != nil {
			t.Fatal(err)
		}
		want, events = append(want, x.line...), append(events, x.event)
		if got, err := os.ReadFile(f.Path(EventFile)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("file:\n%s%v\nwant:\n%s", got, err, want)
		}
	}
	got, err := f.Events()
	if diff := cmp.Diff(events, got); err != nil || diff != "" {
		t.Errorf("read: %v\n%s", err, diff)
	}
	for _, e := range []Event{
		{Action: "train digit", Kind: Step, Loss: map[string]float64{"mse": math.NaN()}},
		{Action: "train digit", Kind: Step, ExamplesPerSecond: math.Inf(1)},
		{Action: "train digit", Kind: "other"},
		{Action: "train digit", Kind: Step, Step: -1},
		{Kind: Done},
	} {
		if err := f.Append(e); err == nil {
			t.Errorf("%+v was written", e)
		}
	}
	if text, _ := os.ReadFile(f.Path(EventFile)); !bytes.Equal(text, want) {
		t.Errorf("refused events left\n%s", text)
	}
}

// TestTornLine: a kill inside a write leaves part of a line; it is not read, and what follows does not join it.
func TestTornLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole []byte
		var ends []int
		for _, x := range run {
			whole = append(whole, x.line...)
			ends = append(ends, len(whole))
		}
		at := rapid.IntRange(0, len(whole)).Draw(t, "torn at")
		var want []Event
		for i, end := range ends {
			if end <= at {
				want = append(want, run[i].event)
			}
		}
		dir, err := os.MkdirTemp("", "record")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		f, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := os.WriteFile(f.Path(EventFile), whole[:at], 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Events(); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("torn: %v\n%s", err, cmp.Diff(want, got))
		}
		if err := f.Append(run[4].event); err != nil {
			t.Fatal(err)
		}
		want = append(want, run[4].event)
		if got, err := f.Events(); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("torn, then appended: %v\n%s", err, cmp.Diff(want, got))
		}
	})
}

func TestCut(t *testing.T) {
	f := open(t)
	if err := f.Cut(func(Event) bool { return true }); err != nil {
		t.Errorf("no file: %v", err)
	}
	for _, x := range run {
		if err := f.Append(x.event); err != nil {
			t.Fatal(err)
		}
	}
	add := func(text string) {
		old, err := os.ReadFile(f.Path(EventFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Path(EventFile), append(old, text...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	add("\x00\x00\x00\n" + `{"action":"train digit","kind":"later"}` + "\n" + `{"action":"train digit","kind":"done"} {}` + "\n" +
		`{"action":"train digit","kind":"done","colour":"red"}` + "\n" + `{"action":"train digit","kind":"do`)
	if err := f.Cut(func(e Event) bool { return e.Kind != Epoch }); err != nil {
		t.Fatal(err)
	}
	want := run[0].line + run[2].line + run[3].line + run[4].line
	if got, _ := os.ReadFile(f.Path(EventFile)); string(got) != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
	if err := f.Append(run[1].event); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.Path(EventFile)); string(got) != want+run[1].line {
		t.Errorf("after Append:\n%s\nwant:\n%s", got, want+run[1].line)
	}
	if err := f.Cut(func(Event) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(f.Path(EventFile)); err != nil || len(got) != 0 {
		t.Errorf("nothing kept: %q, %v", got, err)
	}
}

// FuzzEvents: whatever the file holds, what is read can be written and is then read the same.
func FuzzEvents(f *testing.F) {
	var all string
	for _, x := range run {
		f.Add([]byte(x.line))
		all += x.line
	}
	f.Add([]byte(all + `{"action":"tr`))
	f.Add([]byte("\n\n{}\nnull\n[1]\n\"a\"\n{\"action\":1}\n{\"loss\":{\"a\":1e999}}\n"))
	f.Add([]byte(`{"action":"a","kind":"step","Step":7,"loss":null,"rates":{"\u0000":-0}}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		events := parseEvents(text)
		var again []byte
		for _, e := range events {
			line, err := e.Line()
			if err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
			again = append(again, line...)
		}
		back := parseEvents(again)
		var third []byte
		for _, e := range back {
			line, _ := e.Line()
			third = append(third, line...)
		}
		if len(back) != len(events) || !bytes.Equal(again, third) {
			t.Errorf("%d events, read back %d:\n%s\n%s", len(events), len(back), again, third)
		}
	})
}
