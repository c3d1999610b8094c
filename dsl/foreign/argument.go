package foreign

import (
	"slices"
	"strings"
)

// Argument says how an argument or setting that other libraries call name is written where the known ones are taken: by one or
// several of these, or not at all; "" for other names.
func Argument(name string, known []string) string {
	advice, here := argument(name, known)
	if len(here) == 0 {
		return advice
	}
	return "here it is `" + strings.Join(here, "` and `") + "`"
}

// Calls reports whether other libraries call an argument or setting of this language, own, by another name.
func Calls(name, own string) bool {
	_, here := argument(name, []string{own})
	return len(here) == 1
}

// argument returns what to do about a name, or which of the known ones it stands for.
func argument(name string, known []string) (advice string, here []string) {
	has := func(n string) bool { return slices.Contains(known, n) }
	switch name {
	case "in_channels", "in_features", "in_planes", "input_size", "input_dim", "num_features", "num_channels", "normalized_shape":
		if has("c") || has("n") || has("epsilon") {
			return "leave it out: the number of inputs is inferred", nil
		}
	case "step_mode", "backend", "store_v_seq", "init_hidden":
		if has("surrogate") {
			return "leave it out: a network always runs over all its steps, and each use of a neuron has a state of its own", nil
		}
	case "reset_mechanism", "soft_reset", "hard_reset", "decay_input":
		if has("surrogate") {
			return "this is said by equations: a neuron with a soft reset has the line `on spike { v -= threshold }`", nil
		}
	case "dilation", "padding_mode", "groups", "transposed":
		if has("kernel") {
			return "leave it out: a convolution has a stride and a pad, and goes over all channels", nil
		}
	case "activation", "act", "nonlinearity":
		if has("c") || has("n") {
			return "write it behind the layer, such as `-> relu`", nil
		}
	case "affine", "track_running_stats", "inplace", "ceil_mode":
		return "leave it out: there is no such choice", nil
	case "download", "root", "data_dir":
		if has("split") || has("take") {
			return "leave it out: `snnc data fetch` gets a data set, and `snnc run --data DIR` says where it is", nil
		}
	case "transform", "normalize", "mean", "std":
		if has("range") {
			return "write `range = LO..HI` for what black and white become, and `size` for another size of the images", nil
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
	case "labels", "digits", "num_labels":
		if has("label_count") {
			return "how many classes there are is `label_count = N`, and which of them are kept is `classes = [N, ...]`", nil
		}
		here = []string{"classes"}
	case "num_classes", "n_classes", "class_count", "nb_classes":
		here = []string{"label_count"}
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
	return "", slices.DeleteFunc(here, func(n string) bool { return !has(n) })
}

// Setting says what is done instead of a setting of an action that other libraries call name, and this language has nowhere; "" for
// other names.
func Setting(name string) string {
	switch name {
	case "device", "gpu", "gpus", "cuda", "accelerator", "num_workers", "workers", "threads", "n_jobs":
		return "leave it out: no result depends on where a spec runs; `snnc run --threads N` sets the number of threads"
	case "shuffle":
		return "leave it out: examples are shuffled in every epoch, in an order that `seed` decides"
	case "verbose", "log_dir", "logger", "save_dir", "checkpoint", "output_dir", "resume":
		return "leave it out: a run keeps its losses and checkpoints in its folder, `snnc run --out DIR`, and goes on from there"
	case "steps", "num_steps", "T", "time_steps", "timesteps":
		return "leave it out: the time steps are those of the coder that the network encodes with"
	}
	return ""
}
