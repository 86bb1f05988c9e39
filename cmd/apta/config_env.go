package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// envPrefix begins every variable that overrides a key.
const envPrefix = "APTA_"

// notKeys are variables of the prefix that are flags of the command line.
var notKeys = []string{"APTA_CONFIG"}

// overrideFromEnv sets keys from variables such as APTA_SMTP_HOST. A variable
// that names no key is a mistake and is reported like one in the file.
func overrideFromEnv(c *Config, environ []string) (problems []error) {
	fields := configFields(reflect.ValueOf(c).Elem(), "")
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(notKeys, name) {
			continue
		}
		i := slices.IndexFunc(fields, func(f configField) bool { return envName(f.key) == name })
		if i < 0 {
			var names []string
			for _, f := range fields {
				names = append(names, envName(f.key))
			}
			problems = append(problems, fmt.Errorf("environment: %s names no key of the configuration%s", name, didYouMean(name, names)))
			continue
		}
		if err := fields[i].set(value); err != nil {
			problems = append(problems, fmt.Errorf("environment: %s: %w", name, err))
		}
	}
	return problems
}

// configField is one key with the place that holds its value.
type configField struct {
	key   string // such as smtp.host
	value reflect.Value
}

func (f configField) set(s string) error {
	switch f.value.Kind() {
	case reflect.String:
		f.value.SetString(s)
	case reflect.Int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", s)
		}
		f.value.SetInt(int64(n))
	case reflect.Float64:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		f.value.SetFloat(n)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		f.value.SetBool(b)
	default:
		return fmt.Errorf("%s can only be set in the file", f.key)
	}
	return nil
}

func configFields(v reflect.Value, prefix string) (fields []configField) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("toml")
		if tag == "" {
			continue
		}
		if v.Field(i).Kind() == reflect.Struct {
			fields = append(fields, configFields(v.Field(i), prefix+tag+".")...)
			continue
		}
		fields = append(fields, configField{prefix + tag, v.Field(i)})
	}
	return fields
}

// configKeys are all keys and the tables they stand in.
func configKeys() (keys []string) {
	for _, f := range configFields(reflect.ValueOf(&Config{Relay: make([]RelayConfig, 1), Theme: make([]ThemeConfig, 1)}).Elem(), "") {
		keys = append(keys, f.key)
		if f.value.Kind() == reflect.Slice && f.value.Type().Elem().Kind() == reflect.Struct {
			for _, inner := range configFields(f.value.Index(0), f.key+".") {
				keys = append(keys, inner.key)
			}
		}
		if table, _, found := strings.Cut(f.key, "."); found && !slices.Contains(keys, table) {
			keys = append(keys, table)
		}
	}
	return keys
}

// envName is the variable that overrides a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// didYouMean names the known word nearest to a wrong one, if one is near enough
// to be meant.
func didYouMean(wrong string, known []string) string {
	best, at := "", len(wrong)/3+2
	for _, k := range known {
		if d := editDistance(wrong, k); d < at {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
