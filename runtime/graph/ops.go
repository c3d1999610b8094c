package graph

// Op names an operator. The set is closed; table (infer.go) holds for each its attributes and its shape rule.
type Op string

// Sources.
const (
	OpInput    Op = "input"    // name, type: a parameter of the function
	OpRead     Op = "read"     // var, [average], [frozen]: a variable
	OpConstant Op = "constant" // value, or values with dims; [dtype]
	OpIota     Op = "iota"     // 0, 1, ... along time (steps) or along the only dim (dims)
	OpUniform  Op = "uniform"  // label, [steps], [batch], dims: uniform in [0, 1)
	OpNormal   Op = "normal"   // label, [steps], [batch], dims: standard normal
	// OpHost is what: a number that comes from outside the graph. `progress` is the part of the training that is done, from 0 to
	// 1, and `iteration` how many updates there were; both are 1 outside of training. `variance`, of the elements of the training
	// data, is a word of the language that runtime/train refuses.
	OpHost  Op = "host"
	OpCount Op = "count" // axes: how many elements of the input lie along the axes
)

// Shape.
const (
	OpReshape   Op = "reshape"   // dims, in channels-first order
	OpTranspose Op = "transpose" // axes: the permuted dims
	OpSlice     Op = "slice"     // axis, start, length
	OpPad       Op = "pad"       // axis, before, after: zeros on both sides
	OpConcat    Op = "concat"    // axis
	OpRepeat    Op = "repeat"    // axis, count: each element count times; along t or n of a value without that axis, it gets one
	OpCast      Op = "cast"      // dtype
)

// Reductions and picks.
const (
	OpReduce     Op = "reduce"      // kind = sum | mean | max | min | argmax | argmin, axes: the axes vanish
	OpGather     Op = "gather"      // (x, index) axis: x at the index along a dim, which vanishes
	OpScatter    Op = "scatter"     // (index, y) axis, size: the inverse of gather, zero elsewhere
	OpRows       Op = "rows"        // (table, index): rows of an unbatched table
	OpScatterAdd Op = "scatter-add" // (index, y) size: sums of y per row, the derivative of rows
)

// Products.
const (
	OpMatmul        Op = "matmul"               // (a, b) [transpose]: a[k] or a[m k] times b[k n], or b[n k] if transposed
	OpMatmulWeight  Op = "matmul-gradient"      // (a, dy) [transpose]: sum over all rows of a x dy, shaped like b
	OpConv          Op = "conv"                 // (x[ci h w], w[co ci k k]) stride, pad
	OpConvInput     Op = "conv-input-gradient"  // (y, w) stride, pad, height, width: also the transposed convolution
	OpConvWeight    Op = "conv-weight-gradient" // (x, dy) stride, pad, kernel
	OpMaxPool       Op = "max-pool"             // kernel, stride
	OpMaxPoolGrad   Op = "max-pool-gradient"    // (x, dy) kernel, stride: to the first greatest element of each window
	OpNormalise     Op = "normalise"            // axes, epsilon -> (x - mean) / sqrt(variance + epsilon), mean, biased variance
	OpNormaliseGrad Op = "normalise-gradient"   // (dy, y, variance) axes, epsilon
	// OpEquation is (inputs, params[, states]) [steps] [last] [state] [label]: the step of an equation run over time. With state
	// it begins with the states that are given, and gives those after the last step as well. Where the step draws random numbers,
	// its node X gets element t * size + i of the numbers of LABEL/X for element i of a layer of that size at time step t, counted
	// from 0 in every application. So a layer whose state is carried from step to step draws other numbers than in a pass over the
	// whole sequence, of the same distribution: element i of the label and the iteration of each application.
	OpEquation     Op = "equation"
	OpEquationGrad Op = "equation-gradient" // (inputs, params[, states], dy) as equation -> d inputs, d params[, d states]
	// OpOpaque is (inputs[, states]) [steps] [state] [label]: what a plugin computes over all time steps. It gives the output, what it
	// saves for its derivative and, with state, where it begins with those that are given, its states after the last step. The inputs
	// are of one shape, with examples; a coder that encodes takes one without time steps, and steps. The seed of an example is the
	// first two uniform numbers of LABEL that belong to it, times 2^48 and 2^24.
	OpOpaque     Op = "opaque"
	OpOpaqueGrad Op = "opaque-gradient" // (saved, dy) steps -> d inputs
	// OpChip is (inputs) [label]: a circuit that an emulated chip computes over all time steps. Where the inputs have another number
	// of time steps than the declaration the outputs have it too. The seeds of examples follow from the label as those of opaque
	// operators do; without a label they are 0.
	OpChip Op = "chip"
)

// Element-wise.
const (
	OpAdd     Op = "add"
	OpSub     Op = "sub"
	OpMul     Op = "mul"
	OpDiv     Op = "div"
	OpPow     Op = "pow"
	OpMin     Op = "min"
	OpMax     Op = "max"
	OpNeg     Op = "neg"
	OpAbs     Op = "abs"
	OpSign    Op = "sign"
	OpExp     Op = "exp"
	OpLog     Op = "log"
	OpSqrt    Op = "sqrt"
	OpTanh    Op = "tanh"
	OpSigmoid Op = "sigmoid"
	OpSin     Op = "sin"
	OpCos     Op = "cos"
	OpRound   Op = "round" // half to even
	OpFloor   Op = "floor"
	OpLess    Op = "lt"
	OpLessEq  Op = "le"
	OpGreater Op = "gt"
	OpGreatEq Op = "ge"
	OpEqual   Op = "eq"
	OpUnequal Op = "ne"
	OpAnd     Op = "and"
	OpOr      Op = "or"
	OpNot     Op = "not"
	OpWhere   Op = "where" // (condition, a, b)
	OpStop    Op = "stop"  // its input, without gradient
)

// Only in the step of an equation.
const (
	// OpSpike is (left, right, derivative) [strict]: 1 where left >= right (left > right if strict), else 0. Its derivative by
	// left - right is the third input, which is the surrogate, computed by the step itself and not differentiated.
	OpSpike Op = "spike"
	OpTime  Op = "time"  // the index of the step, from 0
	OpSteps Op = "steps" // how many steps there are
)

// Only in the functions of a Program; linking replaces them.
const (
	OpApply  Op = "apply"  // (inputs[, state]) role, mode = train | eval, [average], [frozen], [state], [gate = open | strict]
	OpZero   Op = "zero"   // role: the state before the first step
	OpAssign Op = "assign" // (value) var: the variable's next value; no result
	OpCall   Op = "call"   // (inputs) function
	OpCustom Op = "custom" // (inputs) function, backward: a call with its own derivative, a function of (inputs, outputs, d outputs)
	OpGrad   Op = "grad"   // (scalar, values): the derivative of the scalar by each value
)
