package cloudtrail

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/trailgate/trailgate/internal/api/cloudtrail/sigv4"
	"github.com/trailgate/trailgate/internal/authn"
)

// apiError is an answer that AWS's tools know by its code.
type apiError struct {
	status int
	code   string
	text   string
}

func (e *apiError) Error() string { return e.code + ": " + e.text }

// refuse makes an error of the model, whose status is always 400.
func refuse(code, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// Errors that many operations share.
var (
	errUnknownOperation = &apiError{http.StatusNotFound, "UnknownOperationException", "The action or operation requested is invalid. Verify that the action is typed correctly."}
	errThrottled        = &apiError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"}
	errTooLarge         = &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "The request is larger than this operation takes."}
	errBusy             = &apiError{http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed because too many others are being served. Try again in a moment."}
	errInternal         = &apiError{http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an internal error; the server's log says more."}
	errNotRecorded      = &apiError{http.StatusServiceUnavailable, "ServiceUnavailable", "The call cannot be recorded now, so it is not served."}
)

// answerOf is what a caller is told of err.
func answerOf(err error) *apiError {
	var known *apiError
	if errors.As(err, &known) {
		return known
	}
	return errInternal
}

// unproven is what a caller is told whose identity was not proven. dialect is
// what the words depend on.
func unproven(err error, d dialect) *apiError {
	forbidden := func(code, text string) *apiError { return &apiError{http.StatusForbidden, code, text} }
	bad := func(code, text string) *apiError { return &apiError{http.StatusBadRequest, code, text} }
	invalid := "The security token included in the request is invalid."
	expired := "The security token included in the request is expired"
	s3 := d == s3Dialect
	var signature *sigv4.Error
	text := ""
	if errors.As(err, &signature) {
		text = signature.Text // without whose key it was
	}
	switch kind := sigv4.KindOf(err); {
	case errors.Is(err, authn.ErrUnknownKey) && s3, errors.Is(err, authn.ErrKeyDisabled) && s3:
		return forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case errors.Is(err, authn.ErrWrongToken) && s3:
		return bad("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case errors.Is(err, authn.ErrKeyExpired) && s3:
		return bad("ExpiredToken", "The provided token has expired.")
	case errors.Is(err, authn.ErrUnknownKey), errors.Is(err, authn.ErrKeyDisabled), errors.Is(err, authn.ErrWrongToken):
		return forbidden("UnrecognizedClientException", invalid)
	case errors.Is(err, authn.ErrKeyExpired):
		return forbidden("ExpiredTokenException", expired)
	case kind == 0:
		return answerOf(err)
	case kind == sigv4.Missing && s3:
		return forbidden("AccessDenied", "Access Denied")
	case kind == sigv4.Missing:
		return forbidden("MissingAuthenticationTokenException", text)
	case kind == sigv4.Incomplete && s3:
		return bad("AuthorizationHeaderMalformed", text)
	case kind == sigv4.Incomplete:
		return forbidden("IncompleteSignature", text)
	case kind == sigv4.Expired && s3:
		return forbidden("AccessDenied", "Request has expired")
	case kind == sigv4.Skewed && s3:
		return forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	case (kind == sigv4.WrongScope || kind == sigv4.WrongRegion) && s3:
		return bad("AuthorizationHeaderMalformed", "The authorization header is malformed; "+text)
	case s3:
		return forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	default: // a wrong scope is a wrong signature to these services, and so is a clock that is off
		return forbidden("InvalidSignatureException", text)
	}
}
