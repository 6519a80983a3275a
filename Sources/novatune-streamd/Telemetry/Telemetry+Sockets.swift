import EventLoop
import FastCGI
import Observability
import Resilience
import StreamResponder

/// Figures of the sockets, the event loops and the log.
extension Telemetry {
    func watch(_ loops: [RequestLoop]) {
        func sum(_ figure: @escaping @Sendable (RequestLoop) -> Int) -> @Sendable () -> Double {
            { Double(loops.reduce(0) { $0 + figure($1) }) }
        }
        registry.gauge(
            "novatune_fastcgi_connections", "Open connections on the stream socket.", sum { $0.server.openConnections })
        registry.gauge(
            "novatune_fastcgi_requests_in_hand", "Requests that are being answered.", sum { $0.server.requestsInHand })
        registry.count(
            "novatune_requests_abandoned_total", "Requests whose client was gone before they were answered.",
            sum { $0.server.abandonedRequests })
        registry.count(
            "novatune_requests_refused_total", "Requests that were refused because too many were in hand.",
            sum { $0.server.refusedRequests })
        registry.gauge(
            "novatune_object_store_calls_waiting", "Requests that wait for the object store now.",
            sum { $0.requestsWaitingForObjects })
        registry.counts(
            "novatune_event_loop_busy_seconds_total", "Time in which an event loop had something to do.", label: "loop"
        ) {
            loops.enumerated().map { ("\($0)", $1.loop.busyTime / .seconds(1)) }
        }
    }

    /// - Parameter workers: how many threads the gate socket has.
    func watchGate(_ started: Locked<FastCGIServer<GateRoute>?>, workers: Int) {
        registry.gauge("novatune_fastcgi_gate_connections", "Open connections on the gate socket.") {
            Double(started.withLock { $0 }?.openConnections ?? 0)
        }
        registry.gauge(
            "novatune_fastcgi_gate_workers_busy",
            "Threads of the gate socket that have a request, of \(workers)."
        ) {
            Double(started.withLock { $0 }?.busyWorkers ?? 0)
        }
    }

    func watch(_ log: LogWriter) {
        registry.gauge(
            "novatune_log_waiting_bytes",
            "Bytes of log lines that wait to be written; from \(LogWriter.capacity) on, further lines are dropped."
        ) {
            Double(log.waitingBytes)
        }
        registry.count(
            "novatune_log_lines_dropped_total",
            "Log lines that are lost: the log is read too slowly, or cannot be written."
        ) {
            Double(log.droppedLines)
        }
    }
}
