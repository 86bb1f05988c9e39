package databasetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// ErrNoPostgreSQL says that the server's programs are not on this machine.
var ErrNoPostgreSQL = errors.New("no PostgreSQL server is installed here")

// Server is a PostgreSQL of the test's own, in a temporary folder.
type Server struct {
	bin, dir string
	port     int
	alive    *os.File            // open for as long as this process lives
	identity *syscall.Credential // the server refuses to run as root
}

// StartPostgreSQL makes a database cluster in dir and starts it on a free port
// of 127.0.0.1. It is durable as in earnest: fsync is on. It does not outlive
// this process, however that ends.
func StartPostgreSQL(dir string) (*Server, error) {
	bin, err := findPostgreSQL()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: filepath.Join(dir, "cluster")}
	if err := s.ownFolder(dir); err != nil {
		return nil, err
	}
	if err := s.run("initdb", "-D", s.dir, "-U", "apta", "--auth=trust", "--no-locale", "--encoding=UTF8"); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	if err := s.guard(); err != nil {
		return nil, err
	}
	return s, s.Start()
}

// guard has a process wait for the end of this one, which closes the pipe
// between them. A test program that panics, runs out of time or is killed
// stops nothing itself.
func (s *Server) guard() error {
	waits, alive, err := os.Pipe()
	if err != nil {
		return err
	}
	defer waits.Close()
	cmd := exec.Command("/bin/sh", "-c", `read -r _; "$1" -D "$2" -w -m immediate stop; rm -rf "$2"; rmdir "$3"`,
		"sh", filepath.Join(s.bin, "pg_ctl"), s.dir, filepath.Dir(s.dir))
	cmd.Dir, cmd.Stdin = "/", waits
	// A session of its own: what interrupts the tests leaves it to its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.identity, Setsid: true}
	s.alive = alive
	return cmd.Start()
}

func findPostgreSQL() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(candidates) // the newest first
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append([]string{filepath.Dir(path)}, candidates...)
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "pg_ctl")); err == nil {
			return dir, nil
		}
	}
	return "", ErrNoPostgreSQL
}

// ownFolder finds somebody to run the server as, where we are root, and gives
// them the folder.
func (s *Server) ownFolder(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.identity = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		for up := dir; up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
			os.Chmod(up, 0o755) // the folders above it are ours and closed
		}
		return os.Chown(dir, uid, gid)
	}
	return fmt.Errorf("%w that another user than root could run", ErrNoPostgreSQL)
}

func (s *Server) run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.identity}
	// A file, not a pipe: the server inherits it and would keep a pipe open.
	out, err := os.CreateTemp("", "postgres")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, said)
	}
	return nil
}

// Start starts a stopped server.
func (s *Server) Start() error {
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200", s.port)
	return s.run("pg_ctl", "-D", s.dir, "-w", "-t", "60", "-l", filepath.Join(s.dir, "log"), "-o", options, "start")
}

// Stop ends the server: mode is fast, or immediate for a crash.
func (s *Server) Stop(mode string) error {
	return s.run("pg_ctl", "-D", s.dir, "-w", "-m", mode, "stop")
}

// URL names a database of the server.
func (s *Server) URL(name string) string {
	return fmt.Sprintf("postgres://apta@127.0.0.1:%d/%s?sslmode=disable", s.port, name)
}
