package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// Code is what the device of a player of the demo in dir shows now.
func Code(dir, name string) (string, error) {
	secret, err := os.ReadFile(filepath.Join(dir, name, "totp"))
	if err != nil {
		return "", fmt.Errorf("%s has no device in the demo at %s: %w", name, dir, err)
	}
	code, err := totp.GenerateCode(strings.TrimSpace(string(secret)), time.Now())
	if err != nil {
		return "", fmt.Errorf("make %s's code: %w", name, err)
	}
	return code, nil
}
