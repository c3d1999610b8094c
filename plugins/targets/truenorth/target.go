package truenorth

import (
	_ "embed"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
	"snnc.dev/snnc/plugins/targets/truenorth/mapping"
)

//go:embed truenorth.md
var doc string

// Target returns the plugin component. Its parameters are axons, how many bring an input to a core; leak, what becomes of membranes that
// decay; chips, how many there are; and fast, how long a tick is.
func Target() sdk.Target {
	one, types, many := 1.0, float64(mapping.Types), float64(mapping.MaxChips)
	return sdk.Target{
		Component: schema.Component{
			Kind: schema.Target, Name: "truenorth", Version: "1.0", Doc: doc,
			Params: []schema.Param{
				{Name: "axons", Type: schema.Int, Min: &one, Max: &types, Doc: "axons that bring one input to a core: 1 to 4; absent: as many as the fan-in of each layer leaves room for"},
				{Name: "leak", Type: schema.OneOf, Default: "toward_zero", Doc: "what becomes of a membrane that decays by a factor", Choices: []schema.Choice{
					{Name: "toward_zero", Doc: "the same amount is taken off at each tick: an approximation"},
					{Name: "refuse", Doc: "its layer stays on the host"},
				}},
				{Name: "chips", Type: schema.Int, Default: "1", Min: &one, Max: &many, Doc: "chips of 4,096 cores, on a board of four in a row"},
				{Name: "fast", Type: schema.Bool, Default: "false", Doc: "ticks of 47.6 µs, the shortest that were shown, and not of 1 ms"},
			},
		},
		Check:   Check,
		Compile: Compile,
		Trace:   emulator.Trace,
	}
}

// options are the arguments.
type options struct {
	mapping.Options
	refuseLeaks bool
	fast        bool // ticks as short as were shown
}

// read reads the arguments.
func read(args schema.Arguments) (options, []schema.Complaint) {
	o := options{Options: mapping.Options{Chips: 1}}
	var bad []schema.Complaint
	if args.Has("axons") {
		if o.Axons = args.Int("axons"); o.Axons < 1 || o.Axons > mapping.Types {
			bad = append(bad, schema.Complaint{Path: "axons", Summary: fmt.Sprintf("an input comes to a core by 1 to %d axons", mapping.Types), Help: "there are so many types of axons"})
		}
	}
	if args.Has("leak") {
		o.refuseLeaks = args.Text("leak") == "refuse"
	}
	if args.Has("fast") {
		o.fast = args.Bool("fast")
	}
	if args.Has("chips") {
		if o.Chips = args.Int("chips"); o.Chips < 1 || o.Chips > mapping.MaxChips {
			bad = append(bad, schema.Complaint{Path: "chips", Summary: fmt.Sprintf("a board has 1 to %d chips", mapping.MaxChips), Help: "a packet travels at most 255 cores"})
		}
	}
	return o, bad
}
