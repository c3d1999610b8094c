package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/installed"
)

func TestMain(m *testing.M) {
	confine.Main() // builds are confined by this binary
	if len(os.Args) == 5 && os.Args[1] == attemptCommand {
		attempt(os.Args[2], os.Args[3], os.Args[4])
	}
	if len(os.Args) == 4 && os.Args[1] == sleepCommand {
		sleepInStage(os.Args[2], os.Args[3])
	}
	if len(os.Args) == 4 && os.Args[1] == buildCommand {
		self, _ := os.Executable()
		fmt.Println(Build(context.Background(), os.Args[2], sleeper(os.Args[3]), BuildOptions{Confine: self, Network: true}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// buildCommand makes the test binary one that runs a build with the network in a folder: it sleeps long.
const buildCommand = "build"

// sleeper is a build that starts a process which sleeps long, and tells by a file that it did.
func sleeper(long string) installed.Manifest {
	return installed.Manifest{Name: "acme/leap", Build: []string{"sh", "-c", "sleep " + long + " & touch begun; wait"}}
}

// attemptCommand makes the test binary a build that tries what it may and what it must not.
const attemptCommand = "attempt"

// attempt tries it with a secret file, a TCP address and the path of a socket, and writes what came of it into found.json. What it makes
// outside of its folder it removes.
func attempt(secret, tcp, local string) {
	found := map[string]string{}
	try := func(what string, err error) {
		found[what] = ""
		if err != nil {
			found[what] = err.Error()
		}
	}
	write := func(path string) error {
		err := os.WriteFile(path, []byte("x"), 0o600)
		os.Remove(path)
		return err
	}
	dial := func(network, address string) error {
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
	_, err := os.ReadFile(secret)
	try("read a secret", err)
	try("write beside a secret", write(filepath.Join(filepath.Dir(secret), "x")))
	try("write above its folder", write("../x"))
	try("connect by TCP", dial("tcp", tcp))
	try("connect to a service of the machine", dial("unix", local))
	home, _ := os.UserHomeDir()
	try("may write at home", write(filepath.Join(home, "x")))
	try("may write temporary files", write(filepath.Join(os.TempDir(), "x")))
	try("may write into its cache", write(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "x")))
	try("may move from temporary files", errors.Join(os.WriteFile(filepath.Join(os.TempDir(), "y"), nil, 0o600), os.Rename(filepath.Join(os.TempDir(), "y"), "y")))
	try("may start programs", exec.Command("true").Run())
	text, err := json.Marshal(found)
	if err == nil {
		err = os.WriteFile("found.json", text, 0o600)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
