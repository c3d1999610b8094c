// Package foreign knows what other libraries and languages call what this language has: the names of PyTorch, Keras, SpikingJelly,
// snnTorch and diffusers for layers, arguments and settings, and those of Python and C for types, values and functions. The checker
// asks it for help where a name is unknown. It knows words and nothing of a spec: each function takes a name, and gives what to
// write instead, or "".
package foreign
