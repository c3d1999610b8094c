package strict

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type embedded struct {
	Steps int `json:"steps,omitempty"`
}

// list reads itself.
type list []int

func (l *list) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return errors.New("no text")
	}
	if b[0] == '{' {
		return nil
	}
	return json.Unmarshal(b, (*[]int)(l))
}

type whole struct {
	Name   string     `json:"name"`
	Rate   float64    `json:"rate"`
	Pair   [2]float64 `json:"pair"`
	Own    list       `json:"own"`
	Others []whole    `json:"others"`
	Hidden int        `json:"-"`
	embedded
}

func TestDecode(t *testing.T) {
	var got whole
	text := `{"name": "a", "rate": 0.5, "pair": [1, 2], "own": [3], "steps": 4, "others": [{"name": "b", "own": {"x": [{}, {"y": 1}]}}]}`
	if err := Decode(text, &got); err != nil || got.Steps != 4 || got.Own[0] != 3 || got.Others[0].Name != "b" || got.Pair[1] != 2 {
		t.Errorf("%v %+v", err, got)
	}
	for _, x := range [][2]string{
		{`{"Name": "a"}`, `line 1: unknown member "Name"; there are name, rate, pair, own, others, steps`},
		{"{\"others\": [{},\n{\"nam\": 1}]}", `line 2: others[1]: unknown member "nam"`},
		{`{"Hidden": 1}`, `unknown member "Hidden"`},
		{`{"": 1}`, `unknown member ""`},
		{`{"steps": 1, "steps": 1}`, `member "steps" is there twice`},
		{`{"steps": null}`, `steps: must be a whole number`},
		{`{"steps": 1.5}`, `steps: 1.5 is no whole number that is possible here`},
		{`{"rate": null}`, `rate: must be a number`},
		{`{"rate": 1e999}`, `rate: 1e999 is no number that is possible here`},
		{`{"name": null}`, `name: must be a string`},
		{`{"others": null}`, `others: must be a list`},
		{`{"others": [null]}`, `others[0]: must be an object`},
		{`{"pair": [1]}`, `pair: has 1 elements, and must have 2`},
		{`{"own": null}`, `own: must not be null`},
		{`{"own": "a"}`, `own: no text`},
		{`{"others": [{"own": {"a": [{"b": 1, "b": 2}]}}]}`, `others[0].own: member "b" is there twice`},
		{`{"own": [1`, `line 1: own: the text ends too early`},
		{`{"own": `, `own: the text ends too early`},
		{`{"name": "a"`, `the text ends too early`},
		{`{} 1`, `something follows`},
		{`[]`, `must be an object`},
		{``, `the text ends too early`},
	} {
		if err := Decode(x[0], &whole{}); err == nil || !strings.Contains(err.Error(), x[1]) {
			t.Errorf("%s: %v, want %s", x[0], err, x[1])
		}
	}
}

// FuzzDecode: any text is read or has an error; what is read is what encoding/json reads.
func FuzzDecode(f *testing.F) {
	f.Add(`{"name": "a", "rate": 0.5, "pair": [1, 2], "own": {"a": [1]}, "steps": 4, "others": [{"own": [1]}]}`)
	f.Add(`{"own": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var a, b whole
		if Decode(text, &a) != nil {
			return
		}
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(a)
		if y, _ := json.Marshal(b); string(x) != string(y) {
			t.Errorf("%s\n%s", x, y)
		}
	})
}
