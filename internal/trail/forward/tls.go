package forward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Trust is whom a sink believes, and who it says it is.
type Trust struct {
	CAFile            string // PEM of the authorities that sign the server; "" for the system's
	ClientCertificate string // PEM, with the chain; "" for none
	ClientKey         string // its key
}

// Config reads the files. It is nil when there are none.
func (t Trust) Config() (*tls.Config, error) {
	if t == (Trust{}) {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s holds no certificate", t.CAFile)
		}
	}
	if (t.ClientCertificate == "") != (t.ClientKey == "") {
		return nil, errors.New("client_certificate and client_key go together")
	}
	if t.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(t.ClientCertificate, t.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("read client_certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
