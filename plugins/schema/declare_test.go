package schema_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// Who misspells an argument is told the names there are, in a choice and in a term as well; one that is absent is 0 as ever, and nothing
// else is another: no value, and no byte of the text.
func TestDeclare(t *testing.T) {
	weighted := schema.Choice{Name: "mse", Params: []schema.Param{{Name: "weight", Type: schema.Real}}}
	c := schema.Component{
		Params: []schema.Param{{Name: "tau", Type: schema.Real}, {Name: "loss", Type: schema.Terms, Choices: []schema.Choice{weighted, {Name: "mae"}}},
			{Name: "path", Type: schema.OneOf, Choices: []schema.Choice{weighted}}},
		Roles:    []schema.Role{{Name: "net"}},
		Samplers: []schema.Choice{{Name: "once", Params: []schema.Param{{Name: "turns", Type: schema.Int}}}},
	}
	inner := schema.Arguments{"weight": {Type: schema.Real, Number: 2}}
	given := schema.Arguments{"path": {Type: schema.OneOf, Text: "mse", Args: inner}, "loss": {Type: schema.Terms, Items: []schema.Value{{Text: "mse", Args: inner}}}}
	declared := c.Declare(given)
	for _, a := range []schema.Arguments{given, declared} {
		if a.Real("tau") != 0 || a.Text("net") != "" || a.Has("tau") || len(a) != 2 || a["loss"].Items[0].Args.Real("weight") != 2 {
			t.Errorf("%v", a)
		}
	}
	was, _ := json.Marshal(given)
	is, err := json.Marshal(declared)
	if err != nil || string(is) != string(was) {
		t.Errorf("%s, want %s: %v", is, was, err)
	}
	if given.Real("tua") != 0 || !reflect.DeepEqual(given["path"].Args, inner) {
		t.Error("the given arguments have changed")
	}
	for name, read := range map[string]func(){
		`"tua": those that are declared are loss, net, path, tau`: func() { declared.Real("tua") },
		`"wieght": those that are declared are weight`:            func() { declared["path"].Args.Int("wieght") },
		`"scale": those that are declared are weight`:             func() { declared["loss"].Items[0].Args.Text("scale") },
		`"tau": those that are declared are turns`: func() {
			c.DeclareOptions(schema.Arguments{"turns": {Number: 1}}).Bool("tau")
		},
	} {
		if said := panicked(read); said != "there is no argument "+name {
			t.Errorf("%q, want %q", said, name)
		}
	}
}

func panicked(f func()) (said string) {
	defer func() { said, _ = recover().(string) }()
	f()
	return
}
