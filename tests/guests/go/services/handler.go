// Package export_wasi_http_incoming_handler uses a database, a blob store and a
// broker: the routes are those of the same guest in C, ../../c/services.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"math"
	"strings"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	sql "wit_component/paddock_sql_database"
	"wit_component/wasi_blobstore_blobstore"
	"wit_component/wasi_blobstore_container"
	blob "wit_component/wasi_blobstore_types"
	"wit_component/wasi_http_types"
	"wit_component/wasmcloud_messaging_consumer"
)

type header = witTypes.Tuple2[string, []uint8]

// Handle is called once for each request.
func Handle(
	request *wasi_http_types.IncomingRequest,
	out *wasi_http_types.ResponseOutparam,
) {
	path := request.PathWithQuery().SomeOr("/")
	request.Drop()
	routes := map[string]func(string) (string, error){
		"/sql/": noted, "/blob/": stored, "/publish/": published,
	}
	for prefix, answer := range routes {
		word, found := strings.CutPrefix(path, prefix)
		if !found || word == "" {
			continue
		}
		text, err := answer(word)
		if err != nil {
			respond(out, 500, fmt.Sprintf("error: %s\n", err))
		} else {
			respond(out, 200, text)
		}
		return
	}
	respond(out, 404, "no route\n")
}

func noted(word string) (string, error) {
	opened := sql.ConnectionOpen("default")
	if opened.IsErr() {
		return "", failure(opened.Err())
	}
	connection := opened.Ok()
	defer connection.Drop()
	params := []sql.Value{sql.MakeValueText(word)}
	make := "CREATE TABLE IF NOT EXISTS words (word VARCHAR(40))"
	if done := connection.Execute(make, nil); done.IsErr() {
		return "", failure(done.Err())
	}
	if done := connection.Execute("INSERT INTO words (word) VALUES (?)", params); done.IsErr() {
		return "", failure(done.Err())
	}
	found := connection.Query("SELECT COUNT(*) FROM words WHERE word = ?", params)
	if found.IsErr() {
		return "", failure(found.Err())
	}
	rows := found.Ok()
	defer rows.Drop()
	some := rows.Next(10)
	if some.IsErr() {
		return "", failure(some.Err())
	}
	return fmt.Sprintf("%d\n", some.Ok()[0][0].Integer()), nil
}

func failure(err sql.Error) error {
	switch err.Tag() {
	case sql.Error_AccessDenied:
		return fmt.Errorf("access-denied")
	case sql.Error_NoSuchDatabase:
		return fmt.Errorf("no-such-database")
	case sql.Error_Unavailable:
		return fmt.Errorf("sql: %s", err.Unavailable())
	}
	return fmt.Errorf("sql: %d", err.Tag())
}

func stored(word string) (string, error) {
	opened := wasi_blobstore_blobstore.CreateContainer("default")
	if opened.IsErr() {
		opened = wasi_blobstore_blobstore.GetContainer("default")
	}
	if opened.IsErr() {
		return "", fmt.Errorf("container: %s", opened.Err())
	}
	container := opened.Ok()
	defer container.Drop()
	if why := written(container, word); why != "" {
		return "", fmt.Errorf("object: %s", why)
	}
	found := container.GetData(word, 0, math.MaxUint64)
	if found.IsErr() {
		return "", fmt.Errorf("object: %s", found.Err())
	}
	body := blob.IncomingValueIncomingValueConsumeSync(found.Ok())
	if body.IsErr() {
		return "", fmt.Errorf("object: %s", body.Err())
	}
	return string(body.Ok()), nil
}

func written(container *wasi_blobstore_container.Container, word string) string {
	value := blob.OutgoingValueNewOutgoingValue()
	stream := value.OutgoingValueWriteBody().Ok()
	if done := container.WriteData(word, value); done.IsErr() {
		stream.Drop()
		value.Drop()
		return done.Err()
	}
	stream.BlockingWriteAndFlush([]byte(word))
	stream.Drop()
	if done := blob.OutgoingValueFinish(value); done.IsErr() {
		return done.Err()
	}
	return ""
}

func published(word string) (string, error) {
	sent := wasmcloud_messaging_consumer.Publish(wasmcloud_messaging_consumer.BrokerMessage{
		Subject: "words", Body: []byte(word), ReplyTo: witTypes.None[string](),
	})
	if sent.IsErr() {
		return "", fmt.Errorf("publish: %s", sent.Err())
	}
	return "published\n", nil
}

func respond(out *wasi_http_types.ResponseOutparam, status uint16, body string) {
	headers := wasi_http_types.FieldsFromList([]header{
		{F0: "content-type", F1: []byte("text/plain")},
		{F0: "content-length", F1: fmt.Append(nil, len(body))},
	}).Ok()
	response := wasi_http_types.MakeOutgoingResponse(headers)
	response.SetStatusCode(status)
	outgoing := response.Body().Ok()
	wasi_http_types.ResponseOutparamSet(out, witTypes.Ok[
		*wasi_http_types.OutgoingResponse, wasi_http_types.ErrorCode](response))
	stream := outgoing.Write().Ok()
	// An error says that the client has left.
	stream.BlockingWriteAndFlush([]byte(body))
	stream.Drop()
	wasi_http_types.OutgoingBodyFinish(outgoing, witTypes.None[*wasi_http_types.Fields]())
}
