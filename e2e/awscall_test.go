package e2e

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// awsCall is a program of the scripts: AWS's own signer, and no more of its
// tools.
//
//	awscall PROFILE cloudtrail OPERATION JSON
//	awscall PROFILE cloudtrail-data ?QUERY JSON
//	awscall PROFILE s3 METHOD /PATH
//
// PROFILE is a file that `trailgate key create --api` printed. The answer's body
// goes to stdout; a status that is no success to stderr, and the exit code is 1.
func awsCall() {
	if err := sendCall(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sendCall(args []string) error {
	if len(args) < 4 {
		return fmt.Errorf("awscall: %d arguments", len(args))
	}
	profile, err := readProfile(args[0])
	if err != nil {
		return err
	}
	service, method, path, body := args[1], http.MethodPost, "/", args[3]
	switch service {
	case "cloudtrail-data":
		path = "/PutAuditEvents" + args[2]
	case "s3":
		method, path, body = args[2], args[3], ""
	}
	r, err := http.NewRequest(method, profile["endpoint_url"]+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if service == "cloudtrail" {
		r.Header.Set("X-Amz-Target", "CloudTrail_20131101."+args[2])
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	sum := sha256.Sum256([]byte(body))
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	who := aws.Credentials{AccessKeyID: profile["aws_access_key_id"], SecretAccessKey: profile["aws_secret_access_key"], SessionToken: profile["aws_session_token"]}
	if err := signer.SignHTTP(context.Background(), who, r, hex.EncodeToString(sum[:]), service, profile["region"], time.Now()); err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s", resp.Status, resp.Header.Get("X-Amzn-Errortype"))
	}
	return nil
}

// readProfile reads the settings of a profile, whatever section they are in.
func readProfile(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	profile := map[string]string{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if key, value, ok := strings.Cut(strings.TrimSpace(sc.Text()), " = "); ok {
			profile[key] = value
		}
	}
	return profile, sc.Err()
}

// makeCert writes a certificate for localhost that nobody signed. With
// SSL_CERT_FILE naming it, awscall trusts it.
func makeCert() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	key, also := x509.MarshalECPrivateKey(private)
	err = errors.Join(err, also,
		os.WriteFile("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile("key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}), 0o600))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
