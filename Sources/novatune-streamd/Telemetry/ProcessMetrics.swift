import Observability

/// The process itself, by the names that Prometheus's client libraries use.
enum ProcessMetrics {
    static func watch(_ registry: MetricRegistry) {
        let start = Double(SystemClock().milliseconds) / 1000
        registry.gauges(
            "novatune_build_info", "1; the build as labels.",
            labels: [("version", Version.release), ("swift", swiftVersion)])
        registry.count("process_cpu_seconds_total", "User and system time of the process.") {
            ProcessFigures.cpuSeconds
        }
        registry.gauge("process_resident_memory_bytes", "Resident memory of the process.") {
            ProcessFigures.memory?.resident
        }
        registry.gauge("process_virtual_memory_bytes", "Virtual memory of the process.") {
            ProcessFigures.memory?.virtual
        }
        registry.gauge("process_open_fds", "Open file descriptors.") { Double(ProcessFigures.openDescriptors) }
        registry.gauge("process_max_fds", "How many file descriptors may be open.") {
            Double(ProcessFigures.maximumDescriptors)
        }
        registry.gauge("process_start_time_seconds", "When the process began, since 1970.") { start }
    }

    private static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}
