#!/usr/bin/env bash
# Makes plugin.pb.go and plugin_grpc.pb.go from plugin.proto. With --check it changes nothing and fails where the committed
# files are not what it would make.
#
# protoc is the one inside the Python package grpcio-tools, installed into a throw-away environment, so the only tools needed
# are python3 and go.
set -euo pipefail
cd "$(dirname "$0")"

grpcio_tools=1.85.1
protoc_gen_go=v1.36.12
protoc_gen_go_grpc=v1.6.2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/python"
"$work/python/bin/pip" install --quiet --disable-pip-version-check "grpcio-tools==$grpcio_tools"

# protoc wants programs, not commands with arguments.
generator() {
  printf '#!/bin/sh\nexec go run %s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
generator protoc-gen-go "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go"
generator protoc-gen-go-grpc "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$protoc_gen_go_grpc"

mkdir "$work/out"
"$work/python/bin/python" -m grpc_tools.protoc --proto_path=. \
  --plugin=protoc-gen-go="$work/protoc-gen-go" --go_out="$work/out" --go_opt=paths=source_relative \
  --plugin=protoc-gen-go-grpc="$work/protoc-gen-go-grpc" --go-grpc_out="$work/out" --go-grpc_opt=paths=source_relative \
  plugin.proto

if [ "${1:-}" = --check ]; then
  for f in plugin.pb.go plugin_grpc.pb.go; do
    diff -u "$f" "$work/out/$f"
  done
  echo "plugins/proto: the generated files are those of plugin.proto"
else
  cp "$work"/out/*.go .
fi
