import Glibc
import TestSupport
import Testing

@testable import FastCGI

/// Beyond descriptor 1023, where select(2), and so libfcgi's lingering close, is undefined.
@Suite(.serialized) struct ManyDescriptorsTests {
    private final class Held {
        private var descriptors: [Int32] = []

        /// Until the next one is above 1023.
        init() {
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = min(limit.rlim_max, 4096)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            while (descriptors.last ?? 0) < 1024 {
                let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { break }
                descriptors.append(descriptor)
            }
        }

        var last: Int32 { descriptors.last ?? -1 }

        deinit { for descriptor in descriptors { close(descriptor) } }
    }

    @Test func connectionsAreServed() throws {
        let held = Held()
        try #require(held.last >= 1024)
        let server = try TestServer(workers: 1)
        let client = try server.connect()
        for _ in 0..<3 {
            try client.send(["METHOD": "GET", "PATH": "/a"], keep: true)
            #expect(try client.answer().body == "GET /a 0")
        }
    }

    @Test(.timeLimit(.minutes(1))) func brokenRequestsAreClosedWithoutLingering() throws {
        let held = Held()
        try #require(held.last >= 1024)
        let server = try TestServer(workers: 1)
        for _ in 0..<3 {
            let broken = try server.connect()
            try broken.write(FastCGIRecords.begin(keep: true) + [UInt8](repeating: 9, count: 64))
            broken.finishWriting()
            while !broken.isClosed() {}
        }
        let client = try server.connect()
        try client.send(["METHOD": "GET", "PATH": "/a"])
        #expect(try client.answer().body == "GET /a 0")
    }
}
