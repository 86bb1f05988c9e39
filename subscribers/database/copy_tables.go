package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// table is one table of a schema.
type table struct {
	name    string
	columns []string
	key     []string // the columns of its primary key
	seeds   int64    // rows that Migrate itself puts there
}

// jobTables begin the names of River's own tables. Its jobs are about the
// processes of one database and are made anew from slots and sends on another.
const jobTables = "river_"

// tablesOf lists the tables of schemas as a fresh database has them. It makes
// one in memory: the files are the one truth about what they hold.
func tablesOf(ctx context.Context, schemas []Schema) ([]table, error) {
	pool, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	pool.SetMaxOpenConns(1) // every connection would be a database of its own
	model := &DB{kind: SQLite, write: pool, read: pool}
	defer pool.Close()
	if err := model.Migrate(ctx, schemas...); err != nil {
		return nil, err
	}
	names, err := strs(ctx, model, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'schema_version' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var tables []table
	for _, name := range names {
		if strings.HasPrefix(name, jobTables) {
			continue
		}
		t := table{name: name}
		if err := t.describe(ctx, model); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func (t *table) describe(ctx context.Context, model *DB) (err error) {
	if t.columns, err = strs(ctx, model, `SELECT name FROM pragma_table_info($1) ORDER BY cid`, t.name); err != nil {
		return err
	}
	if t.key, err = strs(ctx, model, `SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk`, t.name); err != nil {
		return err
	}
	if err := model.QueryRow(ctx, `SELECT count(*) FROM `+t.name).Scan(&t.seeds); err != nil {
		return fmt.Errorf("database: %s: %w", t.name, err)
	}
	return nil
}

func strs(ctx context.Context, db *DB, query string, args ...any) (list []string, err error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("database: list tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("database: list tables: %w", err)
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// order reads a table as its primary key sorts it: rows that belong together
// come to lie together.
func (t *table) order() string {
	if len(t.key) == 0 {
		return ""
	}
	return ` ORDER BY ` + strings.Join(t.key, ", ")
}

// rowName names a row by its key, IDs as people see them.
func (t *table) rowName(values []any) string {
	var parts []string
	for _, k := range t.key {
		for i, c := range t.columns {
			if c != k {
				continue
			}
			v := values[i]
			if n, ok := v.(int64); ok && (c == "id" || strings.HasSuffix(c, "_id")) {
				v = ID(n)
			}
			parts = append(parts, fmt.Sprintf("%s=%v", c, v))
		}
	}
	return strings.Join(parts, " ")
}
