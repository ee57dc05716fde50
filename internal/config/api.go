package config

import (
	"errors"
	"net"
	"net/netip"
)

// API is where AWS's tools connect.
type API struct {
	Listen      string // host:port; empty for nowhere
	Certificate string // PEM file
	Key         string // PEM file
}

// ErrPlainAPI is an API that others could listen in on.
var ErrPlainAPI = errors.New("api.listen is open to the network without TLS")

// Check says what is wrong with the settings of the API together.
func (a API) Check() error {
	if (a.Certificate == "") != (a.Key == "") {
		return errors.New("api.certificate and api.key belong together: one is missing")
	}
	if a.Listen == "" || a.Certificate != "" {
		return nil
	}
	host, _, err := net.SplitHostPort(a.Listen)
	if err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return ErrPlainAPI
}

// optionalAddress is HOST:PORT or nothing.
func optionalAddress(v string) error {
	if v == "" {
		return nil
	}
	return address(v)
}
