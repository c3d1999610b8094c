package confine

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Interpreter returns what a command reads besides its plugin's folder: the file itself and, where that is a link or a script, those that it
// leads to, with the libraries beside each.
func Interpreter(path string) ([]string, error) {
	const longest = 16 // links and scripts on the way, as many as make no sense any more
	var out []string
	next := []string{path}
	for n := 0; len(next) > 0; n++ {
		path, next = next[0], next[1:]
		st, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if n == longest {
			return nil, fmt.Errorf("%s leads on and on", path)
		}
		switch kind := st.Mode().Type(); kind {
		case 0, fs.ModeSymlink:
		default:
			return nil, fmt.Errorf("%s is neither a file nor a link", path)
		}
		out = append(out, path)
		out = append(out, Tools(filepath.Dir(path))...)
		if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(filepath.Base(path), "python") { // packages of the user (PEP 370)
			own, _ := filepath.Glob(filepath.Join(home, ".local/lib/python*"))
			out = append(out, own...)
		}
		if st.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			if err != nil {
				return nil, err
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(path), to)
			}
			next = append(next, to)
			continue
		}
		next = append(next, shebang(path)...)
	}
	return out, nil
}

// Tools returns what the programs of a folder read besides themselves, where by its name it is one of programs: that folder with the
// libraries beside it; of a manager of versions (pyenv, rbenv), whose scripts lie in a folder shims, all that it has.
//
// The name is that of the folder itself, not of a link to it, and libraries that lie elsewhere, behind a link, are left out: a plugin comes with
// links of its author's, and lib -> / would open all that there is to it.
func Tools(bin string) []string {
	bin, err := filepath.EvalSymlinks(bin)
	if err != nil {
		return nil
	}
	prefix := filepath.Dir(bin)
	switch filepath.Base(bin) {
	case "bin":
		out := []string{bin}
		for _, name := range []string{"lib", "lib64", "pyvenv.cfg"} {
			at, err := filepath.EvalSymlinks(filepath.Join(prefix, name))
			if err != nil {
				continue
			}
			if in, err := filepath.Rel(prefix, at); err == nil && in != "." && filepath.IsLocal(in) {
				out = append(out, at)
			}
		}
		return out
	case "shims":
		return []string{prefix}
	}
	return nil
}

// shebang returns the programs that a script names in its first line, with env(1) the one that it finds. A path that is not absolute leads from
// the folder in which the script runs, its plugin's, and to nothing that others have here.
func shebang(path string) []string {
	const longest = 256 // what Linux reads (BINPRM_BUF_SIZE)
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, longest)).ReadString('\n')
	line, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(line)
	if !ok || len(words) == 0 {
		return nil
	}
	var out []string
	if filepath.IsAbs(words[0]) {
		out = words[:1]
	}
	if filepath.Base(words[0]) == "env" {
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") || strings.Contains(w, "=") {
				continue
			}
			if strings.Contains(w, "/") && !filepath.IsAbs(w) {
				break
			}
			if found, err := exec.LookPath(w); err == nil {
				out = append(out, found)
			}
			break
		}
	}
	return out
}
