package cloudtrail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A NextToken is a place in a list, sealed for the caller and the request it
// came from: with another request it is worth nothing, and nobody can make one.

func pageOf(what string) string { return "page of " + what }

// pageOfCall is what a token of this call is sealed for. in must have no token.
func pageOfCall(c *call, name string, in any) string {
	b, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("cloudtrail: an input is not JSON: %v", err))
	}
	sum := sha256.Sum256(b)
	return pageOf(name + " " + c.who.ARN() + " " + hex.EncodeToString(sum[:]))
}

// next seals a place.
func (c *call) next(about string, place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		panic(fmt.Sprintf("cloudtrail: a place is not JSON: %v", err))
	}
	return c.s.Tokens.Seal(about, string(b))
}

// place opens a token.
func (c *call) place(about, token string, to any) error {
	text, err := c.s.Tokens.Open(about, token)
	if err == nil {
		err = json.Unmarshal([]byte(text), to)
	}
	if err != nil {
		return refuse("InvalidNextTokenException", "The token is not of an answer to this request.")
	}
	return nil
}
