package foreign

import "testing"

// A name means what is known where it is used; what would be several of these is all of them.
func TestArgument(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"lr", []string{"rate", "decay"}, "here it is `rate`"},
		{"lr", []string{"kernel"}, ""},
		{"rate", []string{"rate"}, ""},
		{"betas", []string{"beta1", "beta2"}, "here it is `beta1` and `beta2`"},
		{"betas", []string{"beta"}, "here it is `beta`"},
		{"in_channels", []string{"c", "kernel"}, "leave it out: the number of inputs is inferred"},
		{"in_channels", []string{"rate"}, ""},
		{"labels", []string{"classes", "take"}, "here it is `classes`"},
		{"labels", []string{"classes", "label_count"}, "how many classes there are is `label_count = N`, and which of them are kept is `classes = [N, ...]`"},
		{"num_classes", []string{"classes", "label_count"}, "here it is `label_count`"},
	} {
		if got := Argument(c.name, c.known); got != c.want {
			t.Errorf("%s among %v: %q, want %q", c.name, c.known, got, c.want)
		}
	}
	for own, want := range map[string]bool{"rate": true, "decay": false} {
		if Calls("learning_rate", own) != want {
			t.Errorf("learning_rate is %s: %v", own, !want)
		}
	}
	if Calls("in_channels", "c") {
		t.Error("advice is no other name")
	}
}

// Spelling of layers and surrogates does not count: dimensions, capitals, underscores.
func TestSpelling(t *testing.T) {
	for _, name := range []string{"ConvTranspose2d", "conv_transpose", "TransposedConv1d"} {
		if got := Layer(name); got != "here it is `deconv`" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for argument, want := range map[string]string{"": "write `1 / (1 + 25 * abs(u)) ^ 2`", "10": "write `1 / (1 + 10 * abs(u)) ^ 2`"} {
		if got := Surrogate("Fast_Sigmoid", argument); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Layer("linear") != "" || Surrogate("atan", "") != "" || Type("real", true) != "" || Truth("true") != "" || Nothing("x") {
		t.Error("names of this language are foreign")
	}
}
