package event

import "reflect"

// sample is e with every field set.
func sample(e Event) Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue // the embedded kind
		}
		switch f.Interface().(type) {
		case string:
			f.SetString("text & <more>")
		case bool:
			f.SetBool(true)
		case int, int64:
			f.SetInt(7)
		case *int:
			n := 7
			f.Set(reflect.ValueOf(&n))
		case *bool:
			yes := true
			f.Set(reflect.ValueOf(&yes))
		case []map[string]string:
			f.Set(reflect.ValueOf([]map[string]string{{"b": "2", "a": "1"}, {"c": "3"}}))
		case []string:
			f.Set(reflect.ValueOf([]string{"one", "two"}))
		case map[string]string:
			f.Set(reflect.ValueOf(map[string]string{"b": "2", "a": "1"}))
		default:
			panic("sample: no value for " + f.Type().String())
		}
	}
	return v.Interface().(Event)
}
