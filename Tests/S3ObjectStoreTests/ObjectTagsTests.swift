import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct ObjectTagsTests {
    private func document(_ tags: String) -> String {
        #"<?xml version="1.0"?><Tagging xmlns="x"><TagSet>\#(tags)</TagSet></Tagging>"#
    }

    private func tag(_ name: String, _ value: String) -> String {
        "<Tag><Key>\(name)</Key><Value>\(value)</Value></Tag>"
    }

    @Test func markIsAddedBesideOthersAndTakenAwayAgain() throws {
        let own = try #require(ObjectTags(document: document(tag("mood", "blue") + tag("genre", "jazz"))))
        let revoked = own.revoked(true)
        #expect(!own.isRevoked && revoked.isRevoked && revoked != own)
        #expect(revoked.revoked(true) == revoked && revoked.revoked(false) == own)
        let mark = "<Tag><Key>novatune-revoked</Key><Value>true</Value></Tag>"
        #expect(revoked.document.hasSuffix("\(tag("genre", "jazz"))\(mark)</TagSet></Tagging>"))
    }

    @Test func anotherValueOfTheMarkIsReplaced() throws {
        let tags = try #require(ObjectTags(document: document(tag("novatune-revoked", "false"))))
        #expect(!tags.isRevoked && tags.revoked(true).isRevoked)
        #expect(tags.revoked(false).isEmpty)
    }

    @Test(arguments: [
        Row("<Tagging><TagSet/></Tagging>", 0), Row("<Tagging><TagSet></TagSet></Tagging>", 0),
        Row("<Tagging>\n  <TagSet>\n    <Tag>\n <Key>a</Key>\n <Value>b</Value>\n</Tag>\n  </TagSet>\n</Tagging>\n", 1),
        Row("<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>", 1),
    ])
    func setsOfTagsAreRead(_ row: Row<Int>) {
        #expect(ObjectTags(document: row.name)?.description == "\(row.value) tags")
    }

    @Test func charactersOfXMLStayWhatTheyAre() throws {
        let text = "A &amp; B &lt;x&gt; &quot;y&quot; &apos;z&apos; &#233;&#xe9;"
        let tags = try #require(ObjectTags(document: document(tag("a", text))))
        #expect(
            tags.document.contains("<Value>A &amp; B &lt;x&gt; &quot;y&quot; &apos;z&apos; éé</Value>"))
        #expect(ObjectTags(document: tags.document) == tags)
    }

    /// A combining mark is one character with what stands before it: a bracket, a semicolon or a reference's meaning.
    @Test(arguments: [
        Row("\u{301}e", "\u{301}e"), Row("&lt;&#x301;", "&lt;\u{301}"), Row("&lt;\u{301}", "&lt;\u{301}"),
        Row("&amp;\u{301}&#769;", "&amp;\u{301}\u{301}"), Row("a\u{200d}", "a\u{200d}"), Row("\r\n", "\r\n"),
    ])
    func combiningMarksStayWhereTheyAre(_ row: Row<String>) throws {
        for text in [tag("a", row.name), tag(row.name, "b")] {
            let tags = try #require(ObjectTags(document: document(text + tag("c", "d"))))
            #expect(tags.description == "2 tags")
            #expect(ObjectTags(document: tags.document) == tags)
        }
        let written = try #require(ObjectTags(document: document(tag("a", row.name)))).document
        #expect(Array(written.utf8).firstRange(of: "<Value>\(row.value)</Value>".utf8) != nil)
    }

    /// What is not understood in full would be lost where it is written back.
    @Test(arguments: [
        "", "<html>", "<TagSet>", "<TagSet><Tag></Tag></TagSet>", "<TagSet><Tag><Key>a</Key></Tag></TagSet>",
        "<TagSet><Tag><Value>b</Value><Key>a</Key></Tag></TagSet>", "<TagSet>x</TagSet>",
        "<TagSet><Tag><Key>a</Key><Value>&unknown;</Value></Tag></TagSet>",
        "<TagSet><Tag><Key>a</Key><Value>&#x110000;</Value></Tag></TagSet>",
        "<TagSet><Tag><Key>a</Key><Value><b/></Value></Tag></TagSet>",
        "<TagSet><Tag><Key>a</Key><Value>b</Value><More/></Tag></TagSet>",
        "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag><Tag><Key>a</Key></Tag></TagSet>",
    ])
    func anythingElseIsNoSetOfTags(_ document: String) { #expect(ObjectTags(document: document) == nil) }

    @Test func elevenTagsAreTooMany() throws {
        let ten = try #require(ObjectTags(document: document((0..<10).map { tag("\($0)", "") }.joined())))
        #expect(!ten.isTooLong && ten.revoked(true).isTooLong)
    }
}
