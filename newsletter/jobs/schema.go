package jobs

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"apta/subscribers/database"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Schema is River's tables. They are brought up to date as our own are: in one
// transaction, under one lock, and never where the database is newer.
func Schema() database.Schema { return database.Schema{Owner: "jobs", Steps: steps} }

// bookFrom is the step of River's that gives its table of migrations the form
// it has today.
const bookFrom = 5

// schemaMark is where River's SQL would name another schema than the one that
// connections use anyway.
const schemaMark = "/* TEMPLATE: schema */"

// steps gives River's migrations, each of which also writes itself into River's
// own book, so that River's tools find everything in order.
func steps(kind database.Kind) ([]string, error) {
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(nil)
	if kind == database.PostgreSQL {
		driver = riverdatabasesql.New(nil)
	}
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, err
	}
	versions := migrator.AllVersions()
	slices.SortFunc(versions, func(a, b rivermigrate.Migration) int { return cmp.Compare(a.Version, b.Version) })
	list := make([]string, len(versions))
	for i, v := range versions {
		if v.Version != i+1 {
			return nil, fmt.Errorf("jobs: River's migration %d is missing", i+1)
		}
		list[i] = strings.ReplaceAll(v.SQLUp, schemaMark, "")
		if v.Version < bookFrom {
			continue
		}
		first := v.Version
		if v.Version == bookFrom {
			first = 1
		}
		for n := first; n <= v.Version; n++ {
			list[i] += fmt.Sprintf("\n;INSERT INTO river_migration (line, version) VALUES ('main', %d);", n)
		}
	}
	return list, nil
}
