package sqlfront

import (
	"strconv"
	"strings"
)

// simpleTypes are the types without parts that a CAST may name.
var simpleTypes = map[string]*Type{"varchar": varcharType, "string": varcharType, "char": varcharType, "tinyint": bigintType, "smallint": bigintType, "bigint": bigintType,
	"integer": bigintType, "int": bigintType, "double": doubleType, "real": doubleType, "float": doubleType, "boolean": booleanType, "timestamp": timestampType,
	"date": dateType, "json": jsonType, "varbinary": varbinaryType}

const typeList = "varchar, bigint, double, decimal, boolean, timestamp, date, json, varbinary, array(…), map(…, …) and row(…)"

// maxTypeDepth bounds types inside types.
const maxTypeDepth = 10

// typeName reads a type.
func (p *parser) typeName(depth int) (*Type, error) {
	t := p.take()
	word := strings.ToLower(t.text)
	bad := func() error { return p.failAt(t, "expected a type", "a cast makes "+typeList) }
	if t.kind != wordToken || depth > maxTypeDepth {
		return nil, bad()
	}
	switch word {
	case "array", "map", "row":
		return p.nestedType(word, depth)
	case "decimal", "numeric":
		return p.decimalType()
	}
	typ, ok := simpleTypes[word]
	if !ok {
		return nil, bad()
	}
	switch {
	case word == "double":
		p.accept("PRECISION")
	case word == "timestamp":
		if err := p.precision(); err != nil {
			return nil, err
		}
		if p.accept("WITH", "WITHOUT") && !p.acceptAll("TIME", "ZONE") {
			return nil, p.failAt(p.peek(), "expected TIME ZONE", "every time is UTC")
		}
	case typ == varcharType && p.accept("("):
		n, err := p.wholeNumber("as the length of a varchar")
		if err != nil {
			return nil, err
		}
		typ = &Type{Kind: Varchar, Length: int(min(n, 1<<31-1))}
		if err := p.expect(")", "after the type's length"); err != nil {
			return nil, err
		}
	}
	for p.peek().is("ARRAY") && depth <= maxTypeDepth { // bigint array
		p.next++
		depth++
		typ = &Type{Kind: Array, Elem: typ}
	}
	return typ, nil
}

// precision reads the (n) that may follow timestamp; times have microseconds.
func (p *parser) precision() error {
	if !p.accept("(") {
		return nil
	}
	t := p.peek()
	n, err := p.wholeNumber("of digits")
	if err != nil {
		return err
	}
	if n > 12 {
		return p.failAt(t, "expected at most 12 digits", "times have microseconds")
	}
	return p.expect(")", "after the precision")
}

func (p *parser) nestedType(word string, depth int) (*Type, error) {
	opening, closing := "(", ")"
	if p.peek().is("<") {
		opening, closing = "<", ">"
	}
	if err := p.expect(opening, "after "+word); err != nil {
		return nil, err
	}
	typ := &Type{}
	var err error
	switch word {
	case "array":
		typ.Kind = Array
		typ.Elem, err = p.typeName(depth + 1)
	case "map":
		typ.Kind = Map
		if typ.Key, err = p.typeName(depth + 1); err != nil {
			return nil, err
		}
		if err = p.expect(",", "between the types of a map"); err == nil {
			typ.Elem, err = p.typeName(depth + 1)
		}
	default:
		typ.Kind = Struct
		err = p.fields(typ, depth)
	}
	if err != nil {
		return nil, err
	}
	return typ, p.expect(closing, "after the type")
}

func (p *parser) fields(typ *Type, depth int) error {
	for {
		name := ""
		if p.peek().kind == quotedToken || p.peek().kind == wordToken && !p.ahead(1).is(",", ")", "(", "<") {
			name = p.take().text
		}
		t, err := p.typeName(depth + 1)
		if err != nil {
			return err
		}
		if typ.Fields = append(typ.Fields, Field{Name: name, Type: t}); len(typ.Fields) > maxList {
			return p.failAt(p.peek(), "a row has more than "+strconv.Itoa(maxList)+" fields", "name fewer")
		}
		if !p.accept(",") {
			return nil
		}
	}
}

// decimalType reads (precision, scale), both of which may be missing.
func (p *parser) decimalType() (*Type, error) {
	digits, scale := int64(38), int64(0)
	if p.accept("(") {
		t := p.peek()
		var err error
		if digits, err = p.wholeNumber("of digits"); err != nil {
			return nil, err
		}
		if p.accept(",") {
			if scale, err = p.wholeNumber("of digits after the point"); err != nil {
				return nil, err
			}
		}
		if digits < 1 || digits > maxDigits || scale > digits {
			return nil, p.failAt(t, "expected 1 to 38 digits, and no more after the point", "decimal(10, 2)")
		}
		if err := p.expect(")", "after the precision"); err != nil {
			return nil, err
		}
	}
	return decimalType(int(digits), int(scale)), nil
}

// typedLiteral reads a literal like BIGINT '12', which is a cast of its text.
func (p *parser) typedLiteral(at node, word token) (expr, error) {
	t := p.take()
	text := &literal{node{at: t.at}, VarcharValue(t.text)}
	switch {
	case word.is("VARCHAR", "CHAR"):
		return text, nil
	case word.is("DECIMAL"):
		v, typ, ok := readDecimal(t.text)
		if !ok {
			return nil, p.failAt(t, "expected a number", "DECIMAL '12.50'")
		}
		return &literal{node{at.at, typ}, v}, nil
	case word.is("JSON"):
		return &call{node: at, name: "json_parse", args: []expr{text}}, nil
	case word.is("DOUBLE"):
		p.accept("PRECISION")
	}
	return &cast{at, text, simpleTypes[strings.ToLower(word.text)], false}, nil
}
