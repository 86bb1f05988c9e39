// Command apta assembles a newsroom's weekly review, shows it to editors, and
// sends it to subscribers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones are named in the configuration, and small machines have no zone data
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitStatus(err))
}

// exitStatus is 0 for success, 1 for what went wrong, 2 for a wrong command line;
// apta doctor has more.
func exitStatus(err error) int {
	var usage *usageError
	var status statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "apta: %v\nSee apta --help.\n", err)
		return 2
	case errors.As(err, &status):
		return status.status
	case errors.Is(err, errReported):
		return 1
	}
	fmt.Fprintf(os.Stderr, "apta: %v\n", err)
	return 1
}
