// Package export_wasi_http_incoming_handler is an HTTP guest in Go: it answers
// with the request's method, path and the sum which two goroutines counted.
// The name of the package is the one that the generated bindings import.
package export_wasi_http_incoming_handler

import (
	"fmt"
	"sync"

	witTypes "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/wasi_http_types"
)

type header = witTypes.Tuple2[string, []uint8]

// Handle is called once for each request.
func Handle(
	request *wasi_http_types.IncomingRequest,
	out *wasi_http_types.ResponseOutparam,
) {
	path := request.PathWithQuery().SomeOr("/")
	request.Drop()
	body := []byte(fmt.Sprintf("hello from Go\npath: %s\nsum: %d\n", path, count()))
	headers := wasi_http_types.FieldsFromList([]header{
		{F0: "content-type", F1: []byte("text/plain")},
		{F0: "content-length", F1: fmt.Append(nil, len(body))},
	}).Ok()
	response := wasi_http_types.MakeOutgoingResponse(headers)
	outgoing := response.Body().Ok()
	wasi_http_types.ResponseOutparamSet(out, witTypes.Ok[
		*wasi_http_types.OutgoingResponse, wasi_http_types.ErrorCode](response))
	stream := outgoing.Write().Ok()
	// An error says that the client has left.
	stream.BlockingWriteAndFlush(body)
	stream.Drop()
	wasi_http_types.OutgoingBodyFinish(
		outgoing, witTypes.None[*wasi_http_types.Fields]())
}

func count() int {
	var sum int
	var lock sync.Mutex
	var wait sync.WaitGroup
	for part := range 2 {
		wait.Go(func() {
			for n := part; n <= 100; n += 2 {
				lock.Lock()
				sum += n
				lock.Unlock()
			}
		})
	}
	wait.Wait()
	return sum
}
