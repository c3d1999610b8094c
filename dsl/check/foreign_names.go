package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/plugins/schema"
)

// foreignLayer says how a layer or function that other libraries know by a name is written here; "" for other names.
func foreignLayer(name string) string {
	plain := strings.NewReplacer("_", "", "1d", "", "2d", "", "3d", "").Replace(strings.ToLower(name))
	switch plain {
	case "adaptiveavgpool", "globalavgpool", "globalaveragepooling", "globalaveragepool", "gap":
		return "write `avgpool(N)`, where N is the height of what flows in: the mean of each channel"
	case "adaptivemaxpool", "globalmaxpool", "globalmaxpooling":
		return "write `maxpool(N)`, where N is the height of what flows in: the largest value of each channel"
	case "convtranspose", "transposedconv", "convtransposed", "transposeconv":
		return "here it is `deconv`"
	case "dense", "fc", "fullyconnected", "affine":
		return "here it is `linear`"
	case "bn", "norm", "batchnormalization":
		return "here it is `batchnorm`"
	case "gn", "groupnormalization":
		return "here it is `groupnorm`"
	case "ln", "layernormalization":
		return "here it is `layernorm`"
	case "silu":
		return "here it is `swish`"
	case "lrelu":
		return "here it is `leaky_relu`"
	case "view", "squeeze", "unsqueeze":
		return "write `reshape(channels, height, width)` with the whole new shape, or `flatten`"
	case "permute", "transpose", "movedim", "rearrange":
		return "leave it out: a shape is [channels, height, width] everywhere, and axes are never swapped"
	case "identity", "noop", "multisteps", "seqtoanncontainer", "layer":
		return "leave it out"
	case "sequential":
		return "layers follow each other by arrows: write `x -> linear(64) -> relu`"
	case "interpolate", "upsamplenearest":
		return "here it is `upsample`"
	case "cat", "concatenate":
		return "write `concat(a, b)` in front of the first arrow"
	case "multiheadattention", "selfattention":
		return "here it is `attention`"
	case "sinusoidalpositionembedding", "sinusoidalembedding", "timeembedding", "positionalencoding":
		return "here it is `sinusoid`"
	}
	return ""
}

// foreignFunction says what is written instead of a function of other languages; "" for other names.
func (c *checker) foreignFunction(e *dsl.Ref) string {
	switch e.Name.Text {
	case "range", "arange", "xrange":
		if len(e.Args) == 1 {
			return fmt.Sprintf("write `repeat %s { ... }`, or a list such as `[1, 2, 4]`", c.written(e.Args[0].Range))
		}
		return "write a list, such as `[1, 2, 4]`, or use `repeat N { ... }`"
	case "cat", "concatenate", "stack", "append":
		return "wires are joined by `concat(a, b)`"
	case "reversed":
		return "here it is `reverse`"
	case "len":
		return "`repeat N` counts, and in a loop `first` and `last` tell its ends"
	case "print":
		return "leave it out: `snnc plan` shows the layers and shapes of a network"
	case "add":
		return "write `a + b`"
	}
	return ""
}

// foreignType returns the type that other languages call name; "" for other names.
func foreignType(name string, wire bool) string {
	switch strings.ToLower(name) {
	case "float", "float32", "float64", "double", "number", "f32", "num":
		return "real"
	case "tensor", "floattensor", "array", "ndarray", "image", "matrix", "vector":
		if wire {
			return "real"
		}
	case "spiketrain", "spike_train", "bits", "binary":
		if wire {
			return "spikes"
		}
	case "timestep", "t":
		if wire {
			return "step"
		}
	case "str", "text":
		return "string"
	case "integer", "int32", "int64", "long", "uint":
		return "int"
	case "boolean":
		return "bool"
	case "list", "array_of_int", "tuple":
		return "[int]"
	case "duration":
		return "time"
	}
	return ""
}

// noBatch reports whether an item of a shape is what other libraries write for the batch axis, and means nothing here.
func (c *checker) noBatch(e dsl.Expr) bool {
	ref := reference(e)
	if ref == nil || ref.Called || c.defs[ref.Name.Text] != nil || c.broken[ref.Name.Text] {
		return false
	}
	return slices.Contains([]string{"None", "none", "null", "batch", "batch_size", "B", "N", "bs"}, ref.Name.Text)
}

// alias returns the component of one of the kinds that other libraries know as name; "" where there is none.
func (c *checker) alias(name string, kinds ...schema.Kind) string {
	for _, x := range c.cat.Components {
		if slices.Contains(kinds, x.Kind) && slices.ContainsFunc(x.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return x.Name
		}
	}
	return ""
}

// foreignSurrogate says how a surrogate that other libraries know by a name is written here; "" for other names. Fast sigmoid is
// the derivative of x / (1 + k |x|) (Zenke and Ganguli 2018).
func (c *checker) foreignSurrogate(ref *dsl.Ref) string {
	number := func(otherwise string) string {
		if len(ref.Args) == 1 {
			if text := c.written(ref.Args[0].Value.Span()); text != "..." {
				return text
			}
		}
		return otherwise
	}
	switch strings.ReplaceAll(strings.ToLower(ref.Name.Text), "_", "") {
	case "fastsigmoid", "superspike":
		return fmt.Sprintf("write `1 / (1 + %s * abs(u)) ^ 2`", number("25"))
	case "straightthroughestimator", "ste":
		return "write `1`"
	case "gaussian", "gauss", "erf":
		return "write `exp(-u ^ 2)`"
	case "arctan", "atangrad":
		return "here it is `atan`"
	case "piecewise", "boxcar", "rect", "window":
		return "here it is `rectangle`"
	}
	return ""
}

// coderFor returns the name of a coder that encodes, or decodes, as an example: one of the file before a built-in one, and of these
// one that has no parameters and takes the steps into account before one that does not; "CODER" where there is none.
func (c *checker) coderFor(encode bool) string {
	for _, k := range c.spec.Coders {
		if c.port(k, encode) {
			return k.Name
		}
	}
	found := "CODER"
	for i := range c.cat.Components {
		x := &c.cat.Components[i]
		k := textOf(x)
		switch {
		case k == nil || encode && k.Encode == nil || !encode && k.Decode == nil:
		case !encode && len(k.Params) == 0 && usesSteps(k.Decode.Body):
			return x.Name
		case found == "CODER":
			found = x.Name
		}
	}
	return found
}

// textOf returns the equations of a coder of a plugin; nil where there are none, or they do not parse.
func textOf(x *schema.Component) *dsl.Coder {
	if x.Kind != schema.Coder || x.Equations == "" {
		return nil
	}
	item, found := dsl.ParseEquations(x.Name, x.Equations)
	if k, is := item.(*dsl.Coder); is && !found.HasErrors() {
		return k
	}
	return nil
}

// wayOf says how a coder is written in a flow: whether it encodes or decodes has to be said.
func (c *checker) wayOf(r *dsl.Ref) string {
	name, text := r.Name.Text, c.written(r.Range)
	var ways []string
	for _, encode := range []bool{true, false} {
		if c.codes(name, encode) {
			ways = append(ways, fmt.Sprintf("`%s(%s)`", map[bool]string{true: "encode", false: "decode"}[encode], text))
		}
	}
	if len(ways) == 0 { // its definition has findings
		ways = []string{"`encode(" + text + ")`", "`decode(" + text + ")`"}
	}
	return "write " + strings.Join(ways, " or ")
}

// codes reports whether the coder of a name encodes, or decodes.
func (c *checker) codes(name string, encode bool) bool {
	for _, k := range c.spec.Coders {
		if k.Name == name {
			return c.port(k, encode)
		}
	}
	i := slices.IndexFunc(c.cat.Components, func(x schema.Component) bool { return x.Kind == schema.Coder && x.Name == name })
	if i < 0 {
		return false
	}
	k := textOf(&c.cat.Components[i])
	if k == nil { // a graph
		return c.cat.Components[i].Goes(direction(encode))
	}
	return encode && k.Encode != nil || !encode && k.Decode != nil
}

// barePort says how `encode(4)` or `encode(steps = 4)` is meant, which have the argument of a coder and no coder; "" for others.
func (c *checker) barePort(r *dsl.Ref, encode bool) string {
	if len(r.Args) != 1 {
		return ""
	}
	_, number := r.Args[0].Value.(*dsl.Number)
	name := r.Args[0].Name.Text
	if !number || name == "coder" {
		return ""
	}
	coder := c.coderFor(encode)
	if name == "" {
		name = "steps"
	}
	return fmt.Sprintf("write `%s(%s(%s = %s))`", r.Name.Text, coder, name, c.written(r.Args[0].Value.Span()))
}

// nothing reports whether a name is that of no value in other languages.
func nothing(name string) bool {
	return slices.Contains([]string{"None", "none", "null", "NULL", "nil", "undefined"}, name)
}
