package cloudtrail

import (
	"encoding/json"
	"regexp"
	"strings"
)

// What things are called in ARNs, and what names look like.

var (
	trailName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$`)
	storeName = regexp.MustCompile(`^[a-zA-Z0-9._/\-:]{3,256}$`)
	queryName = regexp.MustCompile(`^[a-f0-9-]{36}$`)
	aliasName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9._-]{0,255}$`)
)

func (s *Server) arn(resource string) string {
	return "arn:aws:cloudtrail:" + s.Origin.Region + ":" + s.Origin.AccountID + ":" + resource
}

func (s *Server) trailARN() string   { return s.arn("trail/" + s.Name) }
func (s *Server) storeARN() string   { return s.arn("eventdatastore/" + s.StoreID) }
func (s *Server) channelARN() string { return s.arn("channel/" + s.StoreID) }

// checkTrail holds a trail's name or ARN to the one there is.
func (s *Server) checkTrail(name string) error {
	switch {
	case name == s.Name, name == s.trailARN():
		return nil
	case strings.HasPrefix(name, "arn:"):
		if f := strings.SplitN(name, ":", 6); len(f) != 6 || f[2] != "cloudtrail" || !strings.HasPrefix(f[5], "trail/") {
			return refuse("CloudTrailARNInvalidException", "%.200q is not the ARN of a trail, such as %s", name, s.trailARN())
		}
	case !trailName.MatchString(name):
		return refuse("InvalidTrailNameException", "Trail name or ARN can not be blank and must be 3 to 128 letters, digits, periods, underscores or dashes.")
	}
	return refuse("TrailNotFoundException", "Unknown trail: %.200s for the user: %s", name, s.Origin.AccountID)
}

// checkStore holds an event data store's ARN or ID to the one there is; an
// empty one is left to the caller.
func (s *Server) checkStore(name string) error {
	if !storeName.MatchString(name) {
		return refuse("EventDataStoreARNInvalidException", "%.200q is not the ARN or ID of an event data store", name)
	}
	if name == s.storeARN() || strings.EqualFold(name, s.StoreID) || name == "eventdatastore/"+s.StoreID {
		return nil
	}
	if strings.HasPrefix(name, "arn:") && !strings.Contains(name, ":eventdatastore/") {
		return refuse("EventDataStoreARNInvalidException", "%.200q is not the ARN of an event data store", name)
	}
	return refuse("EventDataStoreNotFoundException", "There is no event data store %.200q; the one here is %s", name, s.storeARN())
}

// optionalStore is checkStore for a member that may be left out.
func (s *Server) optionalStore(name string) error {
	if name == "" {
		return nil
	}
	return s.checkStore(name)
}

// within holds a number to its bounds; nil is the default.
func within(n *int, low, high, otherwise int, code string) (int, error) {
	if n == nil {
		return otherwise, nil
	}
	if *n < low || *n > high {
		return 0, refuse(code, "the number of results wanted is %d, not %d to %d", *n, low, high)
	}
	return *n, nil
}

func unmarshalAny(b []byte, v any) error { return json.Unmarshal(b, v) }
