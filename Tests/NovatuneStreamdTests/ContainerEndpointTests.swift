import SigV4
import TestSupport
import Testing

@testable import novatune_streamd

@Suite struct ContainerEndpointTests {
    private let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    private let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"

    @Test(arguments: [
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials", "http://169.254.170.2/x",
        "http://127.0.0.1:8080/x?y=z", "http://localhost/x", "https://credentials.example/x", "https://example",
    ])
    func endpointThatKeepsASecretIsTaken(_ url: String) throws {
        #expect(try ContainerEndpoint.url([full: url]) == url)
    }

    @Test(arguments: [
        "http://credentials.example/x", "http://169.254.170.24/x", "ftp://127.0.0.1/x", "127.0.0.1/x", "http://",
        "http://user@127.0.0.1/x", "http://127.0.0.1.example/x", "http://127.0.0.1/x y", "http://127.0.0.1/\n",
        "https:/x",
        "httpsx://example/",
    ])
    func endpointThatMayShowASecretIsRefused(_ url: String) {
        #expect(throws: CredentialsService.Failure.self) { try ContainerEndpoint.url([full: url]) }
    }

    @Test func pathIsOfTheAddressOfECS() throws {
        #expect(try ContainerEndpoint.url([relative: "/v2/credentials/1"]) == "http://169.254.170.2/v2/credentials/1")
        #expect(
            try ContainerEndpoint.url([relative: "/v2", full: "https://h/"]) == "http://169.254.170.2/v2")
        #expect(throws: CredentialsService.Failure.self) { try ContainerEndpoint.url([relative: ".example/"]) }
        #expect(throws: CredentialsService.Failure.self) { try ContainerEndpoint.url([:]) }
    }

    @Test func formOfWebIdentityEncodesItsValues() {
        let form = WebIdentityCall.form(role: "arn:aws:iam::1:role/a", session: "s", token: "a.b+c=")
        #expect(
            form == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa"
                + "&RoleSessionName=s&WebIdentityToken=a.b%2Bc%3D")
    }

    @Test func answerOfSTSWithoutAMemberGivesNoCredentials() throws {
        let members = [
            "<AccessKeyId>id</AccessKeyId>", "<SecretAccessKey>s</SecretAccessKey>", "<SessionToken>t</SessionToken>",
            "<Expiration>2026-07-16T18:20:11Z</Expiration>",
        ]
        func credentials(_ members: [String]) -> String? {
            WebIdentityCall.credentials(Array("<Credentials>\(members.joined())</Credentials>".utf8))?.accessKeyID
        }
        #expect(credentials(members) == "id")
        for index in members.indices {
            var others = members
            others.remove(at: index)
            #expect(credentials(others) == nil)
        }
    }
}
