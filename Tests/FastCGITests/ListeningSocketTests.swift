@testable import FastCGI
import Glibc
import TestSupport
import Testing

@Suite struct ListeningSocketTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("s")
    }

    private func mode(_ path: String) -> mode_t {
        var information = stat()
        unsafe lstat(path, &information)
        return information.st_mode
    }

    private func open(_ path: String) throws(SocketError) -> ListeningSocket { try ListeningSocket(.unix(path: path)) }

    @Test func socketListensWithMode0660WhateverTheUmask() throws {
        let before = umask(0)
        defer { umask(before) }
        let socket = try open(path)
        defer { socket.close() }
        #expect(ListeningSocket.isListening(socket.descriptor))
        #expect(mode(path) & S_IFMT == S_IFSOCK && mode(path) & 0o777 == 0o660)
    }

    @Test func descriptorIsNonBlockingAndClosedOnExec() throws {
        let socket = try open(path)
        defer { socket.close() }
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func socketThatAKilledProcessLeftIsReplaced() throws {
        // Closed and not removed, which is all that a kill leaves. Shut down too: a process that another test starts
        // has a copy until its exec, and the kernel accepts connections for as long as a copy listens.
        let killed = try open(path)
        shutdown(killed.descriptor, Int32(SHUT_RDWR))
        killed.close()
        #expect(mode(path) & S_IFMT == S_IFSOCK)
        let socket = try open(path)
        defer { socket.close() }
        _ = try FastCGIClient(path: path)
    }

    @Test func socketOfALivingProcessIsRefusedAndStays() throws {
        let socket = try open(path)
        defer { socket.close() }
        let error = #expect(throws: SocketError.self) { try open(path) }
        #expect(error?.description == "unix:\(path): in use by another process")
        _ = try FastCGIClient(path: path)
    }

    @Test func fileOtherThanASocketIsRefusedAndStays() throws {
        let file = try directory.write("precious", as: "file")
        let error = #expect(throws: SocketError.self) { try open(file) }
        #expect(error?.description == "unix:\(file): exists and is not a socket")
        #expect(mode(file) & S_IFMT == S_IFREG)
    }

    @Test func linkIsNotFollowed() throws {
        let file = try directory.write("precious", as: "file")
        unsafe symlink(file, path)
        #expect(throws: SocketError.self) { try open(path) }
        #expect(mode(path) & S_IFMT == S_IFLNK)
    }

    @Test func missingDirectoryIsNamed() {
        let error = #expect(throws: SocketError.self) { try open(directory.path("none/s")) }
        #expect(error?.description.contains("its directory does not exist") == true)
    }

    @Test func socketWithoutItsPathAcceptsNoConnection() throws {
        let socket = try open(path)
        defer { socket.close() }
        socket.removePath()
        #expect(throws: FastCGIClient.Failure.self) { try FastCGIClient(path: path) }
    }

    @Test func inheritedSocketIsAdoptedAndKeepsItsPath() throws {
        let first = try open(path)
        defer { first.close() }
        let adopted = try ListeningSocket(.inherited(descriptor: first.descriptor))
        #expect(adopted.isShared && !first.isShared)
        adopted.removePath()
        _ = try FastCGIClient(path: path)
    }

    @Test func descriptorThatDoesNotListenIsRefused() throws {
        var ends: [Int32] = [0, 0]
        unsafe _ = pipe(&ends)
        defer { for end in ends { close(end) } }
        #expect(!ListeningSocket.isListening(ends[0]))
        #expect(throws: SocketError.self) { try ListeningSocket(.inherited(descriptor: ends[0])) }
        #expect(throws: SocketError.self) { try ListeningSocket(.inherited(descriptor: 1000)) }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func addressAndNameListen(_ host: String) throws {
        // 0 lets the kernel choose the port; the setting itself does not allow it.
        let socket = try ListeningSocket(.tcp(host: host, port: 0))
        defer { socket.close() }
        #expect(ListeningSocket.isListening(socket.descriptor))
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(socket.descriptor, $0, &length)
            }
        }
        #expect(result == 0 && IPAddress(name) == IPAddress(octets: [127, 0, 0, 1]))
    }

    /// A label has 63 characters at most (RFC 1035 §2.3.4), so that no name server is asked.
    @Test func nameWithoutAnAddressIsNamed() {
        let host = String(repeating: "a", count: 64)
        let address = SocketAddress.tcp(host: host, port: 9000)
        for attempt in [{ try address.resolve() }, { _ = try ListeningSocket(address) }] as [() throws -> Void] {
            let error = #expect(throws: SocketError.self) { try attempt() }
            #expect(error?.description.hasPrefix("\(host):9000: the host's address is not found (") == true)
        }
    }

    /// 192.0.2.0/24 is for documentation (RFC 5737).
    @Test func addressOfAnotherMachineIsNamed() {
        let error = #expect(throws: SocketError.self) { try ListeningSocket(.tcp(host: "192.0.2.1", port: 9000)) }
        #expect(error?.description == "192.0.2.1:9000: not an address of this machine; 'ip address' lists those")
    }
}
