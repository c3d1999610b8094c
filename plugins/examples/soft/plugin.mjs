// A plugin in JavaScript by docs/plugin-protocol.md alone, with nothing but what Node has: an opaque neuron and a coder by equations.

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { createServer } from "node:http2";
import { join } from "node:path";

const NOT_FOUND = 5, INVALID_ARGUMENT = 3, UNIMPLEMENTED = 12; // gRPC's codes
const LIMIT = 64 << 20; // of a message, in bytes

const recent = `coder recent(decay: real = 0.8 in 0..1) {
    decode x {
        state sum = 0, weight = 0
        sum = decay * sum + x
        weight = decay * weight + 1
        output sum / weight
    }
}`;

const description = {
  name: "acme/soft",
  version: "1.0.0",
  components: [
    {
      kind: "neuron",
      name: "soft",
      version: "1.0",
      doc: "A leaky neuron from whose potential a spike takes 1.",
      params: [{ name: "keep", type: "real", default: "0.5", min: 0, max: 1, doc: "share of the potential that is there in the next step" }],
      opaque: { spikes: true, gradient: true },
    },
    { kind: "coder", name: "recent", version: "1.0", doc: "The mean over time, in which what came late weighs more.", equations: recent },
  ],
};

const f = Math.fround;
const prepared = new Map(); // by handle: how much of the potential is kept, and the size of an example

function prepare(q) {
  if (q.component !== "soft") throw status(INVALID_ARGUMENT, `no opaque component ${q.component}`);
  if (!q.dims?.length) throw status(INVALID_ARGUMENT, "there are no dims");
  const use = { keep: f(q.arguments.keep.number ?? 0), size: q.dims.reduce((a, d) => a * d, 1) };
  if (q.handle) prepared.set(q.handle, use);
  return { states: [{ name: "v" }], saved: ["u"] };
}

// u = keep v + x, a spike s where u reaches 1, and v = u - s.
function forward(q) {
  return within(q, { inputs: 1, state: [0, 1], saved: [0, 1], next: [0, 1] }, (use, arena, length) => {
    const v = q.state?.length ? arena.read(q.state[0], 0) : new Float32Array(length);
    for (let t = 0; t < q.steps; t++) {
      const u = arena.read(q.inputs[0], t), s = new Float32Array(length);
      for (let i = 0; i < length; i++) {
        u[i] += f(use.keep * v[i]);
        s[i] = u[i] >= 1 ? 1 : 0;
        v[i] = u[i] - s[i];
      }
      if (q.saved?.length) arena.write(q.saved[0], t, u);
      arena.write(q.output ?? 0, t, s);
    }
    if (q.next?.length) arena.write(q.next[0], 0, v);
  });
}

// In the place of the derivative of s by u stands the triangle max(0, 1 - |u - 1|) (Esser et al., PNAS 2016).
function backward(q) {
  return within(q, { inputs: 1, saved: 1 }, (use, arena, length) => {
    const dv = new Float32Array(length); // the gradient by v behind the step
    for (let t = q.steps - 1; t >= 0; t--) {
      const u = arena.read(q.saved[0], t), dx = arena.read(q.gradient ?? 0, t);
      for (let i = 0; i < length; i++) {
        const slope = f(Math.max(0, 1 - Math.abs(u[i] - 1)));
        dx[i] = f(slope * f(dx[i] - dv[i])) + dv[i];
        dv[i] = use.keep * dx[i];
      }
      arena.write(q.inputs[0], t, dx);
    }
  });
}

// Calls of what is prepared, with the part of the arena that the examples of the request have: a time step of an operand is one piece.
function within(q, operands, compute) {
  const use = prepared.get(q.handle);
  if (!use) throw status(NOT_FOUND, `nothing is prepared as ${q.handle}`);
  const { steps = 0, batch = 0, count = 0, first = 0 } = q;
  if (steps < 1 || count < 1 || first < 0 || first + count > batch) throw status(INVALID_ARGUMENT, "there are no such examples or time steps");
  for (const [name, many] of Object.entries(operands))
    if (![many].flat().includes(q[name]?.length ?? 0)) throw status(INVALID_ARGUMENT, `there are ${q[name]?.length ?? 0} operands ${name}`);
  const length = count * use.size;
  const file = openSync(q.arena, "r+");
  const { size } = fstatSync(file);
  const whole = (call, offset, t, block) => {
    const piece = new Uint8Array(block.buffer), from = offset + (t * batch + first) * use.size * 4;
    if (offset % 4 || !(offset >= 0 && from + piece.length <= size)) throw status(INVALID_ARGUMENT, "an operand lies outside of the arena");
    for (let n = 0; n < piece.length; ) {
      const some = call(file, piece, n, piece.length - n, from + n);
      if (!some) throw status(INVALID_ARGUMENT, "the arena has become shorter");
      n += some;
    }
    return block;
  };
  try {
    compute(use, {
      read: (offset, t) => whole(readSync, offset, t, new Float32Array(length)),
      write: (offset, t, block) => whole(writeSync, offset, t, block),
    }, length);
  } finally {
    closeSync(file);
  }
  return {};
}

function release(q) {
  prepared.delete(q.handle);
  return {};
}

const calls = { Describe: () => description, Prepare: prepare, Forward: forward, Backward: backward, Release: release };

const status = (code, message) => Object.assign(new Error(message), { code });

// A gRPC message is a byte 0, a length in four bytes and so many bytes; ours are a protobuf of one string in field 1.
function decode(body) {
  let at = 5;
  if (body.length === at) return {};
  if (body[at++] !== 0x0a) throw status(INVALID_ARGUMENT, "the request has no string in field 1");
  while (body[at++] >= 0x80);
  return JSON.parse(body.subarray(at).toString());
}

function encode(value) {
  const text = Buffer.from(JSON.stringify(value));
  const head = [0x0a];
  let n = text.length;
  for (; n >= 0x80; n >>>= 7) head.push((n & 0x7f) | 0x80);
  head.push(n);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(head.length + text.length, 1);
  return Buffer.concat([frame, Buffer.from(head), text]);
}

if (process.env.SNNC_PLUGIN !== "snn-plugin-1") {
  console.error("this is a plugin: name its folder to snnc");
  process.exit(1);
}

const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
server.on("stream", (stream, headers) => {
  const chunks = [];
  let size = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk) => (size += chunk.length) <= LIMIT + 16 && chunks.push(chunk));
  stream.on("end", () => {
    let reply, error;
    try {
      const call = calls[headers[":path"].replace("/snnc.plugin.v1.Plugin/", "")];
      if (!call) throw status(UNIMPLEMENTED, "the plugin has no such call");
      reply = encode(call(decode(Buffer.concat(chunks))));
    } catch (e) {
      error = e;
    }
    const trailers = error ? { "grpc-status": error.code ?? INVALID_ARGUMENT, "grpc-message": encodeURIComponent(error.message) } : { "grpc-status": 0 };
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(reply);
  });
});

const socket = join(process.env.PLUGIN_UNIX_SOCKET_DIR, "node");
server.listen(socket, () => console.log(`1|1|unix|${socket}|grpc`));
process.stdin.on("end", () => process.exit(0)).resume();
