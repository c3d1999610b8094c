package record

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetrics(t *testing.T) {
	f := open(t)
	if m, err := f.Metrics(); err != nil || len(m) != 0 {
		t.Errorf("of no file: %v, %v", m, err)
	}
	for _, x := range []struct {
		action, name string
		figure       Figure
	}{
		{"evaluate digit", "mse", Figure{1, 1, "train", 1, "to be replaced", Interval{}, false}},
		{"evaluate prior", "frechet_pixels", Figure{-9e-5, 1000, "test", math.MaxUint64, "Fréchet distance over pixels, 1000 samples against 360 of test", Interval{}, false}},
		{"evaluate digit", "mse_relative", Figure{0.332, 360, "test", 0, "a < b", Interval{}, false}},
		{"evaluate digit", "mse", Figure{0.098, 360, "test", 0, "mean squared error", Interval{}, false}},
	} {
		if err := f.SetMetric(x.action, x.name, x.figure); err != nil {
			t.Fatal(err)
		}
	}
	const want = `{
  "evaluate digit": {
    "mse": {
      "value": 0.098,
      "count": 360,
      "reference": "test",
      "seed": 0,
      "recipe": "mean squared error"
    },
    "mse_relative": {
      "value": 0.332,
      "count": 360,
      "reference": "test",
      "seed": 0,
      "recipe": "a < b"
    }
  },
  "evaluate prior": {
    "frechet_pixels": {
      "value": -0.00009,
      "count": 1000,
      "reference": "test",
      "seed": 18446744073709551615,
      "recipe": "Fréchet distance over pixels, 1000 samples against 360 of test"
    }
  }
}
`
	if got, _ := os.ReadFile(f.Path(MetricFile)); string(got) != want {
		t.Errorf("file:\n%s", cmp.Diff(want, string(got)))
	}
	if m, err := f.Metrics(); err != nil || m["evaluate digit"]["mse_relative"] != (Figure{0.332, 360, "test", 0, "a < b", Interval{}, false}) {
		t.Errorf("read %v, %v", m, err)
	}
	if err := f.SetMetric("evaluate digit", "mse", Figure{Value: math.NaN()}); err == nil {
		t.Error("a value that is no number was written")
	}
	if got, _ := os.ReadFile(f.Path(MetricFile)); string(got) != want {
		t.Errorf("a refused figure changed the file:\n%s", got)
	}
}

func TestDamagedFiles(t *testing.T) {
	f := open(t)
	for _, text := range []string{
		"", "null", "[]", "{", `{"a":{}} {}`, `{"a":{"mse":{"value":"1"}}}`, `{"a":{"mse":{"value":1,"colour":2}}}`, `{"a":1}`,
		`{"a":{"key":"00","kind":"x"}}`, `{"a":{"key":1}}`, "{}\x00",
	} {
		for name, read := range map[string]func() error{
			MetricFile: func() error { _, err := f.Metrics(); return err },
			ActionFile: func() error { _, err := f.Actions(); return err },
		} {
			if err := os.WriteFile(f.Path(name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := read(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s of %q: %v", name, text, err)
			}
		}
	}
	if err := f.SetMetric("a", "mse", Figure{}); err == nil {
		t.Error("a damaged file was overwritten")
	}
}

func TestActions(t *testing.T) {
	f := open(t)
	if m, err := f.Actions(); err != nil || len(m) != 0 {
		t.Errorf("of no file: %v, %v", m, err)
	}
	want := map[string]ActionRecord{
		"train digit":  {Key: "00ff", Parts: map[string]string{"seed": "7", "graph encoder": "ab12"}, Done: true},
		"sample digit": {Key: "aa"},
	}
	if err := f.PutAction("train digit", ActionRecord{Key: "11"}); err != nil {
		t.Fatal(err)
	}
	for action, r := range want {
		if err := f.PutAction(action, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Actions()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// FuzzState: files of any content are read or refused, and what is read is written and read back the same.
func FuzzState(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"evaluate digit":{"mse":{"value":0.1,"count":360,"reference":"test","seed":0,"recipe":"r"}}}`, `{"a":{"mse":{"value":1e999}}}`,
		`{"train digit":{"key":"00","parts":{"seed":"7"},"done":true}}`, `{"train digit":{"updates":-1}}`, `{"spec":"../a.snn","set":["a=1"]}`, `{"spec":"a.snn","preset":"p"}`, `{"a":null}`, `{"a":{"b":null}}`, `{"a":{},"a":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		stable(t, text, &Metrics{}, &Metrics{})
		stable(t, text, &map[string]ActionRecord{}, &map[string]ActionRecord{})
		stable(t, text, &Options{}, &Options{})
	})
}

func stable(t *testing.T, text []byte, first, second any) {
	if parseJSON(text, first) != nil {
		return
	}
	written, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := parseJSON(written, second); err != nil {
		t.Fatalf("%s: %v", written, err)
	}
	if again, _ := json.Marshal(second); string(again) != string(written) {
		t.Errorf("%s\n%s", written, again)
	}
}

// The figures of one action go, those of others stay.
func TestRemoveMetrics(t *testing.T) {
	f, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, action := range []string{"evaluate a", "evaluate b"} {
		if err := f.SetMetric(action, "mse", Figure{Value: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := f.RemoveMetrics("evaluate a"); err != nil {
			t.Fatal(err)
		}
		if m, err := f.Metrics(); err != nil || len(m) != 1 || len(m["evaluate b"]) != 1 {
			t.Errorf("%v %v", m, err)
		}
	}
}
