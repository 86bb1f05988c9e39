package check

import (
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

// propertySlugs are properties that the data names with others.
var propertySlugs = map[string]string{
	"column-gap": "css-gap", "row-gap": "css-gap", "left": "css-left-right-top-bottom", "right": "css-left-right-top-bottom", "top": "css-left-right-top-bottom", "bottom": "css-left-right-top-bottom",
	"overflow-x": "css-overflow", "overflow-y": "css-overflow",
}

// property is the data's name of a property: that of the shorthand where it has
// none of its own.
func (u uses) property(name string) string {
	if slug := propertySlugs[name]; slug != "" {
		return slug
	}
	if strings.HasPrefix(name, "border-") && strings.HasSuffix(name, "-radius") {
		return "css-border-radius"
	}
	for at := len(name); at > 0; at = strings.LastIndexByte(name[:at], '-') {
		if slug := "css-" + name[:at]; u.data.features[slug].Slug != "" && (slug != "css-font" || name == "font") {
			return "css-" + name[:at]
		}
	}
	return ""
}

// declarations reads a style attribute.
func (u uses) declarations(text string) {
	u.grammar(css.NewParser(parse.NewInputString(text), true))
}

// sheet reads a style element.
func (u uses) sheet(text string) {
	u.grammar(css.NewParser(parse.NewInputString(text), false))
}

func (u uses) grammar(p *css.Parser) {
	for {
		kind, _, data := p.Next()
		switch kind {
		case css.ErrorGrammar:
			if !p.HasParseError() {
				return
			}
		case css.CommentGrammar:
			u.add("css-comments", "/* */")
		case css.AtRuleGrammar, css.BeginAtRuleGrammar:
			u.atRule(string(data), p.Values())
		case css.QualifiedRuleGrammar:
			u.add("css-selector-grouping", ",") // one selector of several
			u.selector(p.Values())
		case css.BeginRulesetGrammar:
			u.selector(p.Values())
		case css.DeclarationGrammar, css.CustomPropertyGrammar:
			u.declaration(string(data), p.Values())
		}
	}
}

func (u uses) atRule(name string, values []css.Token) {
	u.add("css-at-"+strings.TrimPrefix(name, "@"), name)
	for _, v := range values {
		if v.TokenType == css.IdentToken && name == "@media" {
			if slug := "css-at-media-" + string(v.Data); u.data.features[slug].Slug != "" {
				u.add(slug, "")
			}
		}
	}
}

func (u uses) declaration(name string, values []css.Token) {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "--") {
		u.add("css-variables", name)
		return
	}
	u.add(u.property(name), name)
	for i, v := range values {
		word := strings.ToLower(string(v.Data))
		switch v.TokenType {
		case css.DelimToken:
			if word == "!" && i+1 < len(values) && strings.EqualFold(string(values[i+1].Data), "important") {
				u.add("css-important", "!important")
			}
		case css.IdentToken:
			for _, slug := range []string{"css-" + name + "-" + word, "css-unit-" + word} {
				if u.data.features[slug].Slug != "" {
					u.add(slug, "")
				}
			}
		case css.DimensionToken:
			unit := strings.TrimLeft(word, "+-.0123456789")
			u.add("css-unit-"+unit, unit)
		case css.PercentageToken:
			u.add("css-unit-percent", "%")
		case css.FunctionToken:
			u.function(strings.TrimSuffix(word, "("))
		}
	}
}

func (u uses) function(name string) {
	for _, slug := range []string{"css-function-" + name, "css-unit-" + name, "css-" + name} {
		if u.data.features[slug].Slug != "" {
			u.add(slug, "")
			return
		}
	}
	if name == "var" {
		u.add("css-variables", "var()")
		return
	}
	u.add("", name+"()")
}

// combinators are the signs between the parts of a selector.
var combinators = map[string]string{">": "child", "+": "adjacent-sibling", "~": "general-sibling"}

func (u uses) selector(values []css.Token) {
	for i, v := range values {
		word := string(v.Data)
		simple := i > 0 && !slices.Contains([]string{" ", ",", ">", "+", "~", ":"}, string(values[i-1].Data)) // it goes on
		switch {
		case v.TokenType == css.WhitespaceToken:
			u.add("css-selector-descendant", "descendant selector")
		case v.TokenType == css.ColonToken && i+1 < len(values):
			next := strings.TrimSuffix(string(values[i+1].Data), "(")
			if slug := "css-pseudo-element-" + next; u.data.features[slug].Slug != "" {
				u.add(slug, "")
			} else if next != ":" {
				u.add("css-pseudo-class-"+next, ":"+next)
			}
		case v.TokenType == css.CommaToken:
			u.add("css-selector-grouping", ",")
		case v.TokenType == css.HashToken:
			u.add("css-selector-id", "#id")
		case v.TokenType == css.LeftBracketToken:
			u.add("css-selector-attribute", "[attribute]")
		case word == ".":
			u.add("css-selector-class", ".class")
			if simple {
				u.add("css-selector-chaining", "chained selectors")
			}
		case word == "*":
			u.add("css-selector-universal", "*")
		case combinators[word] != "":
			u.add("css-selector-"+combinators[word], word)
		case v.TokenType == css.IdentToken && !simple && (i == 0 || string(values[i-1].Data) != ":"):
			u.add("css-selector-type", "type selector")
		}
	}
}
