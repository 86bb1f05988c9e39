package jobs_test

import (
	"testing"

	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }
