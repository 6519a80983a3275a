import FastCGI
import Glibc
import Resilience

/// What the main thread of a process beside the responder does until a signal ends it.
struct Supervision {
    /// How often to look for changes of files.
    static let interval: Duration = .seconds(1)

    let signals: SignalWait
    let makesProgress: () -> Bool
    /// Each `interval`.
    let readIfChanged: () -> Void
    /// With SIGHUP.
    let read: () -> Void
    let flushLog: () -> Void

    func run() {
        let manager = ServiceManager(environment: Environment.variables, processID: getpid())
        manager.ready()
        defer { manager.stopping() }
        while true {
            switch signals.next(within: min(manager.heartbeat ?? Self.interval, Self.interval)) {
            case nil: readIfChanged()
            case SIGHUP:
                manager.reloading()
                read()
                manager.ready()
            default: return
            }
            flushLog()
            if makesProgress() { manager.isAlive() }
        }
    }
}
