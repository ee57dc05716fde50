package sqlfront

import "fmt"

// casts lists what may be cast to what, besides NULL to anything, anything to
// its own type, and lists, maps and rows whose parts may.
var casts = map[Kind][]Kind{
	Varchar:       {Bigint, Double, Decimal, Boolean, Timestamp, Date, JSON, Varbinary},
	Bigint:        {Varchar, Double, Decimal, Boolean, JSON},
	Double:        {Bigint, Decimal, Varchar, Boolean, JSON},
	Decimal:       {Bigint, Double, Varchar, Boolean, JSON},
	Boolean:       {Varchar, Bigint, Double, Decimal, JSON},
	Timestamp:     {Varchar, Date},
	Zoned:         {Varchar, Date, Timestamp},
	Date:          {Varchar, Timestamp},
	DayInterval:   {Varchar},
	MonthInterval: {Varchar},
	JSON:          {Varchar, Bigint, Double, Decimal, Boolean, Array, Map, Struct},
	Array:         {JSON},
	Map:           {JSON},
	Struct:        {JSON},
}

func (b *binder) cast(e *cast) (expr, error) {
	x, err := b.expr(e.x)
	if err != nil {
		return nil, err
	}
	return b.castTo(x, e)
}

// castTo is the cast e of x, which is bound; a cast to the type it has is none.
func (b *binder) castTo(x expr, e *cast) (expr, error) {
	from := x.info().typ
	if sameType(from, e.to) && e.to.Length == 0 {
		return x, nil
	}
	if from.Kind == Struct && e.to.Kind == Struct || e.to.Length > 0 && from.Kind == Varchar {
		// a row gets names, a text is cut
	} else if from.Kind == Bigint && e.to.Kind == Double || from.Kind == Decimal && e.to.Kind == Double {
		if _, constant := x.(*literal); constant && !e.try {
			return b.fit(x, e.to, "CAST")
		}
	}
	if !castable(from, e.to) {
		hint := ""
		switch {
		case from.Kind == JSON:
			hint = "use json_extract_scalar, or json_format"
		case from.Kind == Struct:
			hint = "cast one of its fields"
		}
		return nil, b.fail(e, fmt.Sprintf("cannot cast %s to %s", article(from.Kind), e.to.Kind), hint)
	}
	return &cast{node{e.at, e.to}, x, e.to, e.try}, nil
}

func castable(from, to *Type) bool {
	if from.Kind == Unknown || from.Kind == to.Kind && from.Kind != Struct && from.Kind != Array && from.Kind != Map {
		return true
	}
	switch {
	case from.Kind == Array && to.Kind == Array:
		return castable(from.Elem, to.Elem)
	case from.Kind == Map && to.Kind == Map:
		return castable(from.Key, to.Key) && castable(from.Elem, to.Elem)
	case from.Kind == Struct && to.Kind == Struct:
		if len(from.Fields) != len(to.Fields) {
			return false
		}
		for i := range from.Fields {
			if !castable(from.Fields[i].Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	case from.Kind == JSON && (to.Kind == Array || to.Kind == Map || to.Kind == Struct):
		return jsonable(to)
	}
	for _, k := range casts[from.Kind] {
		if k == to.Kind {
			return true
		}
	}
	return false
}

// jsonable says whether JSON can be cast to a type.
func jsonable(t *Type) bool {
	switch t.Kind {
	case Array:
		return jsonable(t.Elem)
	case Map:
		return t.Key.Kind == Varchar && jsonable(t.Elem)
	case Struct:
		for _, f := range t.Fields {
			if f.Name == "" || !jsonable(f.Type) {
				return false
			}
		}
		return true
	case JSON, Varchar, Bigint, Double, Boolean:
		return true
	}
	return false
}
