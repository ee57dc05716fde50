package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// s3URI is what DeliveryS3Uri must look like.
var s3URI = regexp.MustCompile(`^s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(/.*)?$`)

// catalogue is the tables of the API's queries: those of everybody, the event
// data store, and what is beside the trail.
func (s *Server) catalogue() sqlfront.Catalog {
	return sqlfront.CloudTrailCatalog().WithStore(s.StoreID).WithBeside()
}

type startQuery struct {
	QueryStatement  string
	DeliveryS3Uri   string
	QueryAlias      string
	QueryParameters []string
}

func (in *startQuery) event() event.Event { return in.eventWith("") }

func (in *startQuery) eventWith(id string) event.Event {
	return event.StartQuery{Statement: in.QueryStatement, Delivery: in.DeliveryS3Uri, Alias: in.QueryAlias, QueryID: id}
}

func (in *startQuery) serve(ctx context.Context, c *call) (any, error) {
	switch {
	case in.QueryAlias != "":
		return nil, refuse("InvalidParameterException", "There is no prepared query: give a QueryStatement")
	case len(in.QueryParameters) > 0:
		return nil, refuse("InvalidParameterException", "QueryParameters are for a QueryAlias")
	case in.QueryStatement == "" || len(in.QueryStatement) > 10_000:
		return nil, refuse("InvalidParameterException", "QueryStatement has %d characters, not 1 to 10000", len(in.QueryStatement))
	}
	if err := c.s.checkDelivery(c, in.DeliveryS3Uri); err != nil {
		return nil, err
	}
	stmt, err := sqlfront.Parse(in.QueryStatement)
	if err == nil {
		err = stmt.Check(c.s.catalogue())
	}
	var wrong *sqlfront.Error
	if errors.As(err, &wrong) {
		return nil, refuse("InvalidQueryStatementException", "%s", wrong)
	}
	if err != nil {
		return nil, err
	}
	if table := query.NotOwn(stmt); table != "" && c.only() != "" {
		return nil, &apiError{http.StatusForbidden, "AccessDeniedException", "Table " + table + " has rows of others, and " + c.who.ARN() +
			" may read their own only: events, sessions, and their row of identities"}
	}
	if err := c.s.queries.room(c.only()); err != nil {
		return nil, err
	}
	head := c.s.Journal.Head()
	id := event.NewID()
	if err := c.record(ctx, in.eventWith(id), nil); err != nil {
		return nil, err
	}
	a := asked{ID: id, Statement: in.QueryStatement, By: c.who.ARN(), Only: c.only(), Delivery: in.DeliveryS3Uri,
		Identity: c.who.UserIdentity(), Source: c.meta().SourceIP, Agent: c.agent, Request: c.requestID}
	if err := c.s.queries.start(a, stmt, head.Seq); err != nil { // another was first meanwhile
		return nil, errors.Join(err, c.s.endQuery(ctx, a, nil, fmt.Errorf("%w: it was never started: %w", query.ErrUnavailable, err)))
	}
	return map[string]string{"QueryId": id, "EventDataStoreOwnerAccountId": c.s.Origin.AccountID}, nil
}

// endQuery records what came of a query.
func (s *Server) endQuery(ctx context.Context, a asked, res *query.Result, err error) error {
	m := event.Meta{Time: s.Now(), Identity: a.Identity, SourceIP: a.Source, UserAgent: a.Agent, ConnectionID: a.Request}
	var end event.EndQuery
	end, m.ErrorCode, m.ErrorMessage = query.Ended(a.ID, res, time.Duration(a.Took)*time.Millisecond, err)
	// It has ended, whoever stops meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := s.Journal.Append(ctx, s.Origin.Record(m, end)); err != nil {
		return fmt.Errorf("record what came of query %s: %w", a.ID, err)
	}
	return nil
}

type describeQuery struct {
	EventDataStore, QueryId, QueryAlias, RefreshId string
}

func (in *describeQuery) event() event.Event {
	return event.DescribeQuery{QueryID: in.QueryId, Alias: in.QueryAlias, Store: in.EventDataStore}
}

type statistics struct {
	EventsMatched         int
	EventsScanned         int64
	BytesScanned          int64
	ExecutionTimeInMillis int64
	CreationTime          epoch
}

type queryInfo struct {
	QueryId                      string
	QueryString                  string
	QueryStatus                  string
	QueryStatistics              statistics
	ErrorMessage                 string `json:",omitempty"`
	DeliveryS3Uri                string `json:",omitempty"`
	DeliveryStatus               string `json:",omitempty"`
	EventDataStoreOwnerAccountId string
}

func (in *describeQuery) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.optionalStore(in.EventDataStore); err != nil {
		return nil, err
	}
	if (in.QueryId == "") == (in.QueryAlias == "") {
		return nil, refuse("InvalidParameterException", "give a QueryId")
	}
	if in.QueryAlias != "" {
		return nil, refuse("QueryIdNotFoundException", "There is no prepared query %.300q", in.QueryAlias)
	}
	a, err := c.s.queries.get(c, in.QueryId)
	if err != nil {
		return nil, err
	}
	took := a.Took
	if !a.over() {
		took = c.now.Sub(a.Created).Milliseconds()
	}
	return queryInfo{
		QueryId: a.ID, QueryString: a.Statement, QueryStatus: a.State, ErrorMessage: a.Error, DeliveryS3Uri: a.Delivery, DeliveryStatus: a.DeliveryState,
		QueryStatistics:              statistics{a.Rows, a.Read.Rows, a.Read.Bytes, took, epoch{a.Created}},
		EventDataStoreOwnerAccountId: c.s.Origin.AccountID,
	}, nil
}

type getQueryResults struct {
	EventDataStore, QueryId string
	NextToken               string `json:",omitempty"`
	MaxQueryResults         *int
}

func (in *getQueryResults) event() event.Event {
	return event.GetQueryResults{QueryID: in.QueryId, Store: in.EventDataStore, Max: in.MaxQueryResults, NextToken: in.NextToken}
}

type resultStatistics struct {
	ResultsCount      int
	TotalResultsCount int
	BytesScanned      int64
}

type queryResults struct {
	QueryStatus     string
	QueryStatistics resultStatistics
	QueryResultRows []json.RawMessage `json:",omitempty"`
	NextToken       string            `json:",omitempty"`
	ErrorMessage    string            `json:",omitempty"`
}

// place is where a page of rows begins.
type place struct {
	Offset int64
	Row    int
}

func (in *getQueryResults) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.optionalStore(in.EventDataStore); err != nil {
		return nil, err
	}
	most, err := within(in.MaxQueryResults, 1, 1000, 1000, "InvalidMaxResultsException")
	if err != nil {
		return nil, err
	}
	a, err := c.s.queries.get(c, in.QueryId)
	if err != nil {
		return nil, err
	}
	about, at := pageOf("rows of "+a.ID+" for "+c.who.ARN()), place{}
	if in.NextToken != "" {
		if err := c.place(about, in.NextToken, &at); err != nil {
			return nil, err
		}
	}
	out := queryResults{QueryStatus: a.State, ErrorMessage: a.Error, QueryStatistics: resultStatistics{0, a.Rows, a.Read.Bytes}}
	if !a.over() {
		return out, nil
	}
	rows, next, err := c.s.queries.page(a.ID, at.Offset, most)
	if err != nil {
		return nil, err
	}
	out.QueryResultRows, out.QueryStatistics.ResultsCount = rows, len(rows)
	if at.Row += len(rows); at.Row < a.Rows && len(rows) > 0 {
		out.NextToken = c.next(about, place{next, at.Row})
	}
	return out, nil
}

type listQueries struct {
	EventDataStore     string
	NextToken          string `json:",omitempty"`
	MaxResults         *int   `json:",omitempty"`
	StartTime, EndTime epoch
	QueryStatus        string
}

func (in *listQueries) event() event.Event {
	return event.ListQueries{Store: in.EventDataStore, Status: in.QueryStatus, Start: in.StartTime.stamp(), End: in.EndTime.stamp(), Max: in.MaxResults, NextToken: in.NextToken}
}

func (in *listQueries) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.checkStore(in.EventDataStore); err != nil {
		return nil, err
	}
	most, err := within(in.MaxResults, 1, 1000, 1000, "InvalidMaxResultsException")
	switch {
	case err != nil:
		return nil, err
	case in.QueryStatus != "" && !slices.Contains(queryStates, in.QueryStatus):
		return nil, refuse("InvalidQueryStatusException", "%.100q is not the status of a query", in.QueryStatus)
	case !in.StartTime.IsZero() && !in.EndTime.IsZero() && in.StartTime.After(in.EndTime.Time):
		return nil, refuse("InvalidDateRangeException", "StartTime is after EndTime")
	}
	bare := *in
	bare.NextToken, bare.MaxResults = "", nil
	about, after := pageOfCall(c, "ListQueries", bare), ""
	if in.NextToken != "" {
		if err := c.place(about, in.NextToken, &after); err != nil {
			return nil, err
		}
	}
	type one struct {
		QueryId, QueryStatus string
		CreationTime         epoch
	}
	list, token := []one{}, ""
	for _, a := range c.s.queries.list(c) {
		switch {
		case in.QueryStatus != "" && a.State != in.QueryStatus,
			!in.StartTime.IsZero() && a.Created.Before(in.StartTime.Time),
			!in.EndTime.IsZero() && a.Created.After(in.EndTime.Time),
			after != "" && a.ID >= after: // IDs sort by time
			continue
		}
		if len(list) == most {
			token = c.next(about, list[most-1].QueryId)
			break
		}
		list = append(list, one{a.ID, a.State, epoch{a.Created.Truncate(time.Millisecond)}})
	}
	out := map[string]any{"Queries": list}
	if token != "" {
		out["NextToken"] = token
	}
	return out, nil
}

type cancelQuery struct{ EventDataStore, QueryId string }

func (in *cancelQuery) event() event.Event {
	return event.CancelQuery{QueryID: in.QueryId, Store: in.EventDataStore}
}

func (in *cancelQuery) serve(ctx context.Context, c *call) (any, error) {
	if err := c.s.optionalStore(in.EventDataStore); err != nil {
		return nil, err
	}
	a, err := c.s.queries.get(c, in.QueryId)
	if err != nil {
		return nil, err
	}
	inactive := refuse("InactiveQueryException", "The query is not active: it is %s", a.State)
	if a.over() {
		return nil, inactive
	}
	if err := c.record(ctx, in.event(), nil); err != nil {
		return nil, err
	}
	if !c.s.queries.cancel(a.ID) {
		return nil, inactive // it ended this very moment
	}
	return map[string]string{"QueryId": a.ID, "QueryStatus": cancelled, "EventDataStoreOwnerAccountId": c.s.Origin.AccountID}, nil
}
