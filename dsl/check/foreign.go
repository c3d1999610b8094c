package check

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// synonym says how what other libraries call name is written here, where it is among the known names; else "".
func synonym(name string, known []string) string {
	var here []string
	has := func(n string) bool { return slices.Contains(known, n) }
	switch name {
	case "in_channels", "in_features", "in_planes", "input_size", "input_dim", "num_features", "num_channels", "normalized_shape":
		if has("c") || has("n") || has("epsilon") {
			return "leave it out: the number of inputs is inferred"
		}
	case "step_mode", "backend", "store_v_seq", "init_hidden":
		if has("surrogate") {
			return "leave it out: a network always runs over all its steps, and each use of a neuron has a state of its own"
		}
	case "reset_mechanism", "soft_reset", "hard_reset", "decay_input":
		if has("surrogate") {
			return "this is said by equations: a neuron with a soft reset has the line `on spike { v -= threshold }`"
		}
	case "dilation", "padding_mode", "groups", "transposed":
		if has("kernel") {
			return "leave it out: a convolution has a stride and a pad, and goes over all channels"
		}
	case "activation", "act", "nonlinearity":
		if has("c") || has("n") {
			return "write it behind the layer, such as `-> relu`"
		}
	case "affine", "track_running_stats", "inplace", "ceil_mode":
		return "leave it out: there is no such choice"
	case "download", "root", "data_dir":
		if has("split") || has("take") {
			return "leave it out: `snnc data fetch` gets a data set, and `snnc run --data DIR` says where it is"
		}
	case "transform", "normalize", "mean", "std":
		if has("range") {
			return "write `range = LO..HI` for what black and white become, and `size` for another size of the images"
		}
	case "out_channels", "out_planes", "filters", "num_filters", "channels":
		here = []string{"c"}
	case "out_features", "units", "hidden_size", "num_hiddens", "features", "output_size", "embedding_dim":
		here = []string{"n"}
	case "kernel_size", "ksize", "pool_size", "window":
		here = []string{"kernel"}
	case "padding":
		here = []string{"pad"}
	case "strides":
		here = []string{"stride"}
	case "output_padding":
		here = []string{"extra"}
	case "scale_factor":
		here = []string{"factor"}
	case "num_groups":
		here = []string{"groups"}
	case "num_heads", "n_heads", "nhead":
		here = []string{"heads"}
	case "num_embeddings", "vocab_size":
		here = []string{"count"}
	case "negative_slope":
		here = []string{"slope"}
	case "slope", "sharpness", "k":
		here = []string{"alpha"}
	case "drop_prob", "prob", "dropout_rate":
		here = []string{"p"}
	case "lr", "learning_rate", "init_lr":
		here = []string{"rate"}
	case "weight_decay", "wd", "l2":
		here = []string{"decay"}
	case "betas":
		if here = []string{"beta1", "beta2"}; !has("beta1") {
			here = []string{"beta"}
		}
	case "beta_schedule", "noise_schedule":
		here = []string{"beta"}
	case "unet", "net", "eps_model", "noise_predictor":
		here = []string{"denoiser"}
	case "prediction_type", "parameterization", "objective":
		here = []string{"predict"}
	case "eps":
		here = []string{"epsilon"}
	case "lr_scheduler", "lr_schedule":
		here = []string{"schedule"}
	case "warmup_steps", "num_warmup_steps":
		here = []string{"warmup"}
	case "grad_clip", "clip_grad", "max_grad_norm", "gradient_clip_val":
		here = []string{"clip"}
	case "criterion", "loss_fn", "loss_function":
		here = []string{"loss"}
	case "num_inference_steps", "num_train_timesteps", "diffusion_steps":
		here = []string{"steps"}
	case "T", "num_steps", "time_steps", "timesteps", "time_window", "n_steps":
		here = []string{"steps"}
	case "v_threshold", "v_th", "vth", "thresh", "u_th":
		here = []string{"threshold"}
	case "v_reset", "v_rest", "u_rest":
		here = []string{"rest"}
	case "tau_m", "tau_mem", "init_tau":
		here = []string{"tau"}
	case "spike_grad", "surrogate_function", "surrogate_grad", "surrogate_gradient", "act_fun":
		here = []string{"surrogate"}
	case "gain", "strength":
		here = []string{"scale"}
	case "image_size", "resize", "img_size":
		here = []string{"size"}
	case "subset", "limit", "num_examples":
		here = []string{"take"}
	case "labels", "digits":
		here = []string{"classes"}
	case "batch_size", "bs", "minibatch":
		here = []string{"batch"}
	case "num_epochs", "n_epochs", "max_epochs", "nb_epochs":
		here = []string{"epochs"}
	case "max_steps", "total_steps", "updates", "iters", "num_iterations", "max_iter":
		here = []string{"iterations"}
	case "dataset", "train_data", "dataloader", "train_loader":
		here = []string{"data"}
	case "optim", "opt":
		here = []string{"optimizer"}
	case "num_samples", "n_samples", "samples", "num", "n":
		here = []string{"count"}
	case "ema", "ema_decay":
		here = []string{"average"}
	case "accumulation_steps", "accumulate_grad_batches", "gradient_accumulation_steps":
		here = []string{"accumulate"}
	case "random_seed", "manual_seed":
		here = []string{"seed"}
	case "grid", "nrow":
		here = []string{"sheet"}
	case "hardware", "chip", "chips":
		here = []string{"targets"}
	}
	here = slices.DeleteFunc(here, func(n string) bool { return !has(n) })
	if len(here) == 0 {
		return ""
	}
	return "here it is " + strings.Join(strings.Split(quoted(here), ", "), " and ")
}

// leak says how a neuron's leak is written that other libraries give as the part of the membrane which stays from one step to the
// next (beta); "" where the neuron has no time constant.
func (c *checker) leak(a dsl.Arg, known []string) string {
	if a.Name.Text != "beta" && a.Name.Text != "decay" && a.Name.Text != "leak" || !slices.Contains(known, "tau") {
		return ""
	}
	if n, is := a.Value.(*dsl.Number); is {
		if beta, err := strconv.ParseFloat(c.written(n.Span()), 64); err == nil && beta >= 0 && beta < 1 {
			return fmt.Sprintf("here it is `tau`: where the part %v of the membrane stays, write `tau = %.4g steps`, which is 1 / (1 - %v)", beta, 1/(1-beta), beta)
		}
	}
	return "here it is `tau`: where the part b of the membrane stays from step to step, `tau` is 1 / (1 - b) steps"
}

// truth returns the reserved word that `True` or `False`, as other languages write them, stands for; "" for another name.
func truth(name string) string {
	switch name {
	case "True", "TRUE":
		return "true"
	case "False", "FALSE":
		return "false"
	}
	return ""
}

// written returns the text at a place, on one line; "..." where it is not known, too long to be repeated, or has a comment.
func (c *checker) written(at diag.Range) string {
	text, from, to := c.spec.Sources[at.File], at.Start.Offset, at.End.Offset
	if from < 0 || from >= to || to > len(text) || to-from > 60 || bytes.ContainsRune(text[from:to], '#') {
		return "..."
	}
	return strings.Join(strings.Fields(string(text[from:to])), " ")
}

// spiking returns an assignment to the name `spike`, which is meant as `spike when`; nil where there is none.
func spiking(body []dsl.Equation) *dsl.Update {
	for _, q := range body {
		if u, is := q.(*dsl.Update); is && u.Name.Text == "spike" && u.Op == "=" {
			return u
		}
	}
	return nil
}

// inferred says how a weighted layer is written whose first number, as in PyTorch, may be meant as that of its inputs: "" where
// it cannot be. The place is that of an argument which can be meant in no other way, if there is one.
func (c *checker) inferred(r *dsl.Ref, s *scope) (help string, wrong diag.Range) {
	name := r.Name.Text
	if !slices.Contains([]string{"conv", "deconv", "linear", "project"}, name) {
		return "", wrong
	}
	number := func(i int) bool {
		return i < len(r.Args) && r.Args[i].Name.Text == "" && repeatable(r.Args[i].Value) && c.eval(r.Args[i].Value, s).numeric()
	}
	named := func(name string) int {
		return slices.IndexFunc(r.Args, func(a dsl.Arg) bool { return a.Name.Text == name })
	}
	if !number(0) || !number(1) {
		return "", wrong
	}
	const write = "the number of inputs is inferred: write "
	outputs := c.written(r.Args[1].Range)
	if name == "linear" || name == "project" {
		return fmt.Sprintf(write+"`%s(%s)`", name, outputs), r.Args[1].Range
	}
	kernel := named("kernel")
	if kernel >= 0 {
		wrong = r.Args[kernel].Range
	} else if !number(2) {
		return "", wrong
	} else if kernel = 2; number(4) {
		wrong = r.Args[4].Range
	} else if i := named("stride"); i >= 0 {
		wrong = r.Args[i].Range
	}
	return fmt.Sprintf(write+"`%s(%s, kernel = %s)`", name, outputs, c.written(r.Args[kernel].Value.Span())), wrong
}

// repeatable reports whether an expression may be computed twice: it has no calls, which may pop a stack, and no flows, and
// what it takes the shape of is a name.
func repeatable(e dsl.Expr) bool {
	named := func(e dsl.Expr) bool { ref := reference(e); return ref != nil && !ref.Called }
	switch e := e.(type) {
	case *dsl.Number:
		return true
	case *dsl.Ref:
		return !e.Called
	case *dsl.Paren:
		return repeatable(e.Of)
	case *dsl.Unary:
		return repeatable(e.Of)
	case *dsl.Binary:
		return repeatable(e.Left) && repeatable(e.Right)
	case *dsl.Index:
		return repeatable(e.At) && named(e.Of)
	case *dsl.Field:
		return named(e.Of)
	}
	return false
}
