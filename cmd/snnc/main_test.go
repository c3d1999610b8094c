package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/confine"
)

var update = flag.Bool("update", false, "rewrite the outputs in testdata/script and docs/diagnostics.md")

// asCommand makes the test binary behave as the command, for tests that kill it.
const asCommand = "SNNC_TEST_COMMAND"

func TestMain(m *testing.M) {
	confine.Main()
	builtin.Main() // the plugin process of the tests is this binary
	pluginProcess(os.Args)
	if os.Getenv(asCommand) != "" {
		os.Unsetenv(asCommand)
		main()
	}
	testscript.Main(m, map[string]func(){"snnc": main})
}

// The scripts say what the command does: text in, text out.
func TestScripts(t *testing.T) {
	specs, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": statusOf},
		Setup: func(e *testscript.Env) error {
			e.Setenv("SPECS", specs+"/../../specs")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.cache")
			e.Setenv("XDG_DATA_HOME", e.WorkDir+"/.data")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}

// statusOf is the script command `status N COMMAND ARGS...`: COMMAND ends with exit status N.
func statusOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
}
