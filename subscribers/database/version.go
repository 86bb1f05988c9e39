package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Version is how far the tables of one owner are.
type Version struct {
	Owner string `json:"owner"`
	Is    int    `json:"is"`    // 0 where there are none yet
	Known int    `json:"known"` // the newest that this program knows
}

func (v Version) behind() bool { return v.Is < v.Known }

// Versions reads how far the tables of the schemas are, and changes nothing.
func (db *DB) Versions(ctx context.Context, schemas ...Schema) ([]Version, error) {
	known, err := db.hasTable(ctx)
	if err != nil {
		return nil, err
	}
	return versionsOf(ctx, db.read, db.kind, known, schemas)
}

func versionsOf(ctx context.Context, q queryer, kind Kind, known bool, schemas []Schema) ([]Version, error) {
	list := make([]Version, len(schemas))
	for i, s := range schemas {
		steps, err := s.steps(kind)
		if err != nil {
			return nil, fmt.Errorf("database: schema of %s: %w", s.Owner, err)
		}
		list[i] = Version{Owner: s.Owner, Known: len(steps)}
		if !known {
			continue
		}
		err = q.QueryRowContext(ctx, `SELECT version FROM schema_version WHERE owner = $1`, s.Owner).Scan(&list[i].Is)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("database: read version: %w", err)
		}
	}
	return list, nil
}

// Due reports whether tables that exist are behind what the program knows, so
// that Migrate would change them. A database without any is only filled.
func Due(versions []Version) bool {
	exist, behind := false, false
	for _, v := range versions {
		exist = exist || v.Is > 0
		behind = behind || v.behind()
	}
	return exist && behind
}

// CheckNewer gives ErrNewer where tables are newer than the program.
func CheckNewer(versions []Version) error {
	for _, v := range versions {
		if v.Is > v.Known {
			return newer(v.Owner, v.Is, v.Known)
		}
	}
	return nil
}

// Inspect looks at a SQLite file that nobody has open, such as a backup: whether
// it is whole, how far its tables are, and how many rows they have.
func Inspect(ctx context.Context, file string, schemas ...Schema) ([]Version, []TableCount, error) {
	path, err := sqliteFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	pool, err := openUnchanging(path)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	defer pool.Close()
	if err := checkIntegrity(ctx, pool); err != nil {
		return nil, nil, fmt.Errorf("database: %s is damaged: %w", file, err)
	}
	counts, err := countTables(ctx, pool)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	ours := false
	for _, c := range counts {
		ours = ours || c.Table == "schema_version"
	}
	if !ours {
		return nil, nil, fmt.Errorf("database: %s is not a database of apta", file)
	}
	versions, err := versionsOf(ctx, pool, SQLite, true, schemas)
	return versions, counts, err
}
