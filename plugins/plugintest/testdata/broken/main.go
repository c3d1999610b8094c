// Command broken is a plugin that is right, or has the one fault that its argument names: what the tests of plugintest have to find.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
)

// fault is what is wrong; "none" for nothing.
var fault = os.Args[1]

func main() {
	spikes := &schema.Opaque{Spikes: true, Gradient: true}
	params := []schema.Param{{Name: "tau", Type: schema.Time, Default: "2 steps", Doc: "Time constant of the membrane."}}
	switch fault {
	case "early": // prints before the handshake
		fmt.Println("loading weights ...")
	case "mute": // never shakes hands
		fmt.Fprintln(os.Stderr, "no licence found")
		os.Exit(3)
	case "idle": // serves nothing
		return
	case "schema": // a type that there is not
		params[0].Type = "duration"
	case "default": // a default that is none
		params[0].Default = "2 metres"
	case "dated": // another description in each process
		params[0].Doc = time.Now().String()
	case "ternary": // spikes of both signs
		spikes.Spikes = false
	case "local": // is right
		spikes.Local = true
	case "huge":
		huge()
		return
	}
	if fault == "others" { // right ones of other kinds: random, coders, without derivative
		p := opaquetest.Plugin()
		p.Name, p.Version = "acme/broken", "1.0.0"
		sdk.Serve(p)
		return
	}
	if strings.Contains(fault, " ") {
		sdk.Serve(kinds())
		return
	}
	p := sdk.Plugin{Name: "acme/broken", Version: "1.0.0", Opaque: []sdk.Opaque{
		{Component: schema.Component{Kind: schema.Neuron, Name: "leap", Version: "1.0.0", Doc: "A leaky neuron.", Params: params, Opaque: spikes}, Prepare: leap},
		{Component: schema.Component{Kind: schema.Neuron, Name: "filter", Version: "1.0.0", Doc: "A leaky membrane without spikes, of its input to the power of three.",
			Opaque: &schema.Opaque{Gradient: true}}, Prepare: filter},
		{Component: schema.Component{Kind: schema.Neuron, Name: "count", Version: "1.0.0", Doc: "An integrator that gives up to 4 spikes in a time step.",
			Opaque: &schema.Opaque{Gradient: true}}, Prepare: count},
	}}
	if fault != "none" && fault != "gradient" && fault != "straight" { // of the filter and the count; the others are of leap
		p.Opaque = p.Opaque[:1]
	}
	sdk.Serve(p)
}

// huge serves a plugin that answers each call with 1 GB, which it does not have in memory.
func huge() {
	const size, piece = 1 << 30, 1 << 20
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		text := binary.AppendUvarint([]byte{0x0a}, size) // string json = 1
		head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text)+size))
		if _, err := w.Write(append(head, text...)); err != nil {
			return
		}
		x := bytes.Repeat([]byte("x"), piece)
		for range size / piece {
			if _, err := w.Write(x); err != nil {
				return
			}
		}
		w.Header().Set("Grpc-Status", "0")
	})}
	fmt.Printf("1|1|unix|%s|grpc\n", path)
	panic(server.Serve(l))
}

// What is left from call to call.
var (
	calls  atomic.Int64
	left   []float32
	leaked [][]byte
	last   sdk.Use     // that was prepared
	seen   [][]float32 // membranes of the last Forward
	shared []float32   // buffer of all calls
)

// leap is v' = (x - v) / tau with a spike and a reset to 0 where v >= 1; its surrogate is 1 / (1 + (pi (v - 1))^2).
func leap(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	tau := float32(u.Arguments.Real("tau"))
	last = u // of one process
	switch complain := sdk.Complain("", "", "it takes other layers"); {
	case fault == "flat" && len(u.Dims) > 1, fault == "wide" && u.Dims[len(u.Dims)-1] < 16:
		return sdk.Prepared{}, complain, nil
	}
	slow := fault == "slow" && len(u.Dims) == 1 // the layer whose speed is measured
	threshold, narrow := float32(1), false
	if fault == "deaf" { // hardly anything reaches it, and its surrogate is 0 elsewhere
		threshold, narrow = 16, true
	}
	forward := func(f *sdk.Forward) error {
		v, n := f.State[0], calls.Add(1)
		switch fault {
		case "slow":
			if slow {
				time.Sleep(2 * time.Second)
			}
		case "prepared": // computes as if at the dims that came last
			v[0] += float32(last.Dims[0])
		case "buffer": // which calls share
			shared = append(shared[:0], v...)
			v = shared
		case "carried": // forgets states where examples are computed alone
			if f.Examples == 1 {
				clear(v)
			}
		case "last":
			seen = nil
		}
		switch fault {
		case "hang":
			select {}
		case "error": // where examples are computed alone
			if f.Examples == 1 {
				return errors.New("one example is no batch")
			}
		case "crash": // on the third call
			if n == 3 {
				os.Exit(2)
			}
		case "leak": // goes on where the last sequence ended
			if len(left) == len(v) {
				copy(v, left)
			}
		case "files": // writes beside its folder, and does not mind that it cannot
			os.WriteFile(filepath.Join("..", "left"), nil, 0o600)
		case "network": // calls home, and does not mind either
			if c, err := net.Dial("tcp", "127.0.0.1:9"); err == nil {
				c.Close()
			}
		case "maps": // arenas once more, and keeps them
			maps()
		case "grows":
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = byte(n)
			}
			leaked = append(leaked, block)
		}
		for t := range f.Steps {
			x, y := f.Inputs[0].At(t), f.Output.At(t)
			for i := range v {
				v[i] += (x[i] - v[i]) / tau
			}
			switch {
			case fault == "random":
				v[0] += rand.Float32()
			case fault == "batch": // all examples share what the first one has
				for i := range v {
					v[i] += v[0] / 8
				}
			case fault == "start" && t == 0: // the first step of each call is another one
				for i := range v {
					v[i] += 0.5
				}
			case fault == "writes":
				x[0] = 0
			}
			if f.Saved != nil {
				copy(f.Saved[0].At(t), v)
			}
			if fault == "buffer" {
				time.Sleep(time.Millisecond)
			}
			if fault == "last" {
				seen = append(seen, append([]float32(nil), v...))
			}
			for i := range v {
				if fault == "unwritten" && v[i] < threshold {
					continue
				}
				if y[i] = 0; v[i] >= threshold {
					v[i], y[i] = 0, 1
				}
				if fault == "ternary" && v[i] <= -1 {
					v[i], y[i] = 0, -1
				}
				if fault == "half" {
					y[i] /= 2
				}
			}
		}
		copy(f.State[0], v)
		if fault == "leak" {
			left = append(left[:0], v...)
		}
		return nil
	}
	backward := func(b *sdk.Backward) error {
		dv := make([]float32, b.Examples*b.Neurons())
		for k := range b.Steps {
			t := b.Steps - 1 - k
			if fault == "forwards" { // in time
				t = k
			}
			v, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
			if fault == "last" { // of the membranes that it has seen last, not of those that were saved
				v = seen[t]
			}
			for i := range dv {
				z := math.Pi * (v[i] - threshold)
				d := (dy[i] - dv[i]*v[i]) / (1 + z*z)
				if fault == "ternary" {
					low := math.Pi * (v[i] + 1)
					d += (dy[i] + dv[i]*v[i]) / (1 + low*low)
				}
				if narrow && z*z > 1e-4 {
					d = 0
				}
				if v[i] < threshold && (fault != "ternary" || v[i] > -threshold) {
					d += dv[i]
				}
				dx[i], dv[i] = d/tau, d-d/tau
				switch fault {
				case "instant", "local": // leaves out the way through the membrane at later steps
					dv[i] = 0
				case "reversed": // takes it away
					dv[i] = -dv[i]
				case "sign":
					dx[i] = -dx[i]
				case "late": // of the last time step alone
					if t < b.Steps-1 {
						dx[i] = 0
					}
				case "large": // batches alone
					if b.Examples > 256 {
						dx[i] /= dx[i] - dx[i]
					}
				case "clipped": // no linear function
					dx[i] = min(dx[i], 0.01)
				}
			}
		}
		return nil
	}
	return sdk.Prepared{States: []schema.State{{Name: "v"}}, Saved: []string{"membrane"}, Forward: forward, Backward: backward}, nil, nil
}

// maps maps the arenas that the process has mapped.
func maps() {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	for _, path := range regexp.MustCompile(`(?m)/[^ ]*/arena-[0-9]+$`).FindAllString(string(text), -1) {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if st, err := f.Stat(); err == nil {
			m, err := syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
			if err != nil {
				panic(err)
			}
			leaked = append(leaked, m)
		}
		f.Close()
	}
}

// filter is v' = (x^3 - v) / 2, which is given.
func filter(sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	return sdk.Prepared{
		States: []schema.State{{Name: "v"}},
		Saved:  []string{"drive"},
		Forward: func(f *sdk.Forward) error {
			v := f.State[0]
			for t := range f.Steps {
				x, y := f.Inputs[0].At(t), f.Output.At(t)
				if f.Saved != nil {
					copy(f.Saved[0].At(t), x)
				}
				for i := range v {
					v[i] += (x[i]*x[i]*x[i] - v[i]) / 2
					y[i] = v[i]
				}
			}
			return nil
		},
		Backward: func(b *sdk.Backward) error {
			dv := make([]float32, b.Examples*b.Neurons())
			for t := b.Steps - 1; t >= 0; t-- {
				x, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
				for i := range dv {
					d := dy[i] + dv[i]
					dx[i], dv[i] = d/2*3*x[i]*x[i], d/2
					if fault == "gradient" { // forgets what went on from step to step
						dv[i] = 0
					}
				}
			}
			return nil
		},
	}, nil, nil
}

// count is v' = v / 2 + x, of which the whole part from 0 to 4 is given and taken away (I-LIF, Luo et al. 2024); the derivative goes straight
// through the rounding where it is in that range.
func count(sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
	const most = 4
	return sdk.Prepared{
		States: []schema.State{{Name: "v"}},
		Saved:  []string{"membrane"},
		Forward: func(f *sdk.Forward) error {
			v := f.State[0]
			for t := range f.Steps {
				x, y := f.Inputs[0].At(t), f.Output.At(t)
				for i := range v {
					v[i] = v[i]/2 + x[i]
					if f.Saved != nil {
						f.Saved[0].At(t)[i] = v[i]
					}
					y[i] = float32(math.Round(float64(min(max(v[i], 0), most))))
					v[i] -= y[i]
				}
			}
			return nil
		},
		Backward: func(b *sdk.Backward) error {
			dv := make([]float32, b.Examples*b.Neurons())
			for t := b.Steps - 1; t >= 0; t-- {
				v, dy, dx := b.Saved[0].At(t), b.Gradient.At(t), b.Inputs[0].At(t)
				for i := range dv {
					d := dv[i]
					if v[i] >= 0 && v[i] <= most {
						d += dy[i] - dv[i]
					}
					if dx[i], dv[i] = d, d/2; fault == "straight" { // the wrong way
						dx[i] = -d
					}
				}
			}
			return nil
		},
	}, nil, nil
}
