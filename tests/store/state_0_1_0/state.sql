BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE alerts (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	since TEXT NOT NULL, 
	over_at TEXT, 
	told TEXT, 
	told_at TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE answers (
	who TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	asked TEXT NOT NULL, 
	status INTEGER, 
	headers TEXT, 
	sealed BLOB, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (who, "key")
);
INSERT INTO "answers" VALUES('ada','once-1','b86066891340286db18aef12e03c470433e06b639d64cec0e05bf0ee9136537c',202,'{"content-type":"application/json"}',X'01F8434A1E0552A57F442AAD18F97DD8AA96C1E8D7387573C108FD5007B724465522773AB34B5EEB53AC1E3CD098B9A8D3529BCDDEE1A7401D6C03226A7CD3ECA66F72962984D57F948C412FCA61940B245BC57E3908F83652BF16A88332E64B6103A85D577B590CBF62BC1162512D6FAFAC4E7F1BAF549F50330486F98CC7D9BB5E080925BABA5D89B8FDDA31BCE2DECC388D8016413F27EA57F79286558B26593EB06B88F03869175B4825A2D7EFAA3268A70595BAB54D73C002030B3B9BBC1977B665318722522FB74356BF0601D35E7B08E7A3E96EA22D340CD6C52238D0E58FE8A8043CB109C59F3B966C83B4A505B5AA8A3668EE33D27129CB1EFCEEDF1ECBCE3063B77D4D996713573DE77AF9D95A33C7B9EAAF5A08C32517B94653CF346335BD51737688766DA37215B9F4C5ECBAEF5585A7F47709ACE16E91E9DBDA56081DC7496E540584037BB63FAEEB658A41E72D95BD1F61724440CFA2F6F4A724E470A8CB40963B5B6B599BEA33F750AF9591048AC6881E0401798F52BAC9C4F7C37CAE3AF63C8DC726D8E76135CCA39616952F96430BFDAB52CF636C50784AB4AB8BF3986A254D',1.79598197452785301206e+09);
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at TEXT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	what TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	result TEXT NOT NULL
);
INSERT INTO "audit" VALUES(1,'2026-11-28T19:52:09.154Z','root','penstock credential set','flat','command line on vm','ok');
INSERT INTO "audit" VALUES(2,'2026-11-28T19:52:14.148Z','root','penstock run','nightly','command line on vm','exit 1');
INSERT INTO "audit" VALUES(3,'2026-11-28T19:52:16.161Z','root','penstock run','notes','command line on vm','exit 1');
INSERT INTO "audit" VALUES(4,'2026-11-28T19:52:17.794Z','root','penstock run','invoices','command line on vm','ok');
INSERT INTO "audit" VALUES(5,'2026-11-28T19:52:19.413Z','root','penstock run','nightly','command line on vm','exit 1');
INSERT INTO "audit" VALUES(6,'2026-11-28T19:52:25.063Z','root','penstock apply','','command line on vm','ok');
INSERT INTO "audit" VALUES(7,'2026-11-28T19:52:27.205Z','root','penstock people add','ada','command line on vm','ok');
INSERT INTO "audit" VALUES(8,'2026-11-28T19:52:29.689Z','root','penstock token add','ada ci','command line on vm','ok');
INSERT INTO "audit" VALUES(9,'2026-11-28T19:52:32.428Z','root','penstock pause','tasks','command line on vm','ok');
INSERT INTO "audit" VALUES(10,'2026-11-28T19:52:33.650Z','root','penstock retention','','command line on vm','ok');
INSERT INTO "audit" VALUES(11,'2026-11-28T19:52:51.179Z','root','penstock token add','ada ci2','command line on vm','ok');
INSERT INTO "audit" VALUES(12,'2026-11-28T19:52:54.555Z','ada','POST /runs','target=invoices','127.0.0.1, token t-70d7153fab36','ok');
INSERT INTO "audit" VALUES(13,'2026-11-28T19:53:19.307Z','root','penstock quarantine discard','q-2','command line on vm','ok');
INSERT INTO "audit" VALUES(14,'2026-11-28T19:53:23.767Z','root','penstock run','notes','command line on vm','exit 1');
CREATE TABLE budgets (
	credential TEXT NOT NULL, 
	quota BIGINT NOT NULL, 
	per FLOAT NOT NULL, 
	opened FLOAT NOT NULL, 
	answered FLOAT, 
	leased FLOAT NOT NULL, 
	used BIGINT NOT NULL, 
	flying BIGINT NOT NULL, 
	late BIGINT NOT NULL, 
	remaining BIGINT, 
	blocked_until FLOAT NOT NULL, 
	PRIMARY KEY (credential)
);
INSERT INTO "budgets" VALUES('acme',100,10.0,1.79589557105323910715e+09,1.7958955710623373985e+09,1.79589557131484198575e+09,2,0,0,NULL,0.0);
CREATE TABLE checks (
	credential TEXT NOT NULL, 
	base_url TEXT NOT NULL, 
	made_for TEXT NOT NULL, 
	ok BOOLEAN NOT NULL, 
	at TEXT NOT NULL, 
	report TEXT, 
	PRIMARY KEY (credential)
);
INSERT INTO "checks" VALUES('acme','http://127.0.0.1:8977','http://127.0.0.1:8977 https://app.custify.com/api https://api.custify.com',1,'2026-11-28T19:52:10.803Z','{"credential":"acme","ok":true,"base_url":"http://127.0.0.1:8977","dialect":"native","tried":[{"base_url":"http://127.0.0.1:8977","result":"200: works"}],"allowance":null,"reason":"http://127.0.0.1:8977: 200: works"}');
CREATE TABLE credentials (
	name TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "credentials" VALUES('flat',X'01F8434A1E5853F709D19CAD92F8E33155043FFB2E9405FE9F10BDDF32C72CB40E4D131818668EF4B3147D42','2026-11-28T19:52:09.132Z');
CREATE TABLE cursors (
	destination TEXT NOT NULL, 
	window TEXT NOT NULL, 
	PRIMARY KEY (destination)
);
INSERT INTO "cursors" VALUES('invoices','{"value":"2026-01-02T00:00:00Z","ties":[622444127305734970],"kind":"text"}');
INSERT INTO "cursors" VALUES('posted','{"value":"2","ties":[],"kind":"record of signups"}');
CREATE TABLE datasets (
	name TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	identity TEXT, 
	schema TEXT NOT NULL, 
	samples BLOB NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "datasets" VALUES('companies','DatasetSpec(name=''companies'', source=''companies'', key=(''company_id'',), sql=None, types=mappingproxy({})) FileSource(name=''companies'', path=''companies.csv'', base=PosixPath(''/srv/penstock''), format=None, encoding=None, delimiter=None)','f3b1f106d4e9281dda68a073','{"columns":[["company_id","text",true,["k1","k2"]],["name","text",false,["Acme","Globex","No key"]],["size","integer",false,["10","20","1"]]],"records":3,"source":null}',X'FFFFFFFF500100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A0000007400000004000000010000000C00000008000C0004000800080000004000000004000000320000007B226669727374223A302C22616273656E74223A7B7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D00001000000070656E73746F636B2E6D656D6265727300000000030000007C0000004000000004000000A0FFFFFF00000102100000002000000004000000000000000400000073697A650000000008000C0008000700080000000000000140000000D8FFFFFF0000010510000000180000000400000000000000040000006E616D6500000000C4FFFFFF100014000800060007000C00000010001000000000000105100000002000000004000000000000000A000000636F6D70616E795F696400000400040004000000FFFFFFFF0801000014000000000000000C0016000600050008000C000C0000000003040018000000580200000000000000000A0018000C00040008000A0000009C0000001000000014000000000000000000000008000000000000000000000008000000000000000800000000000000540000000000000060000000000000004000000000000000A0000000000000000000000000000000A0000000000000005400000000000000F800000000000000C000000000000000B8010000000000000000000000000000B801000000000000A0000000000000000000000003000000140000000000000001000000000000001400000000000000000000000000000014000000000000000000000000000000FBFFFFFFFFFFFF1F0000000002000000040000000400000006000000080000000A0000000C0000000E000000100000001200000015000000180000001B0000001E0000002100000024000000270000002A0000002D00000030000000000000006B316B326B336B346B356B366B376B386B396B31306B31316B31326B31336B31346B31356B31366B31376B31386B31396B32306B32316B32326B32336B32346B00000000040000000A0000001000000019000000220000002B000000340000003D000000460000004F00000059000000630000006D00000077000000810000008B000000950000009F000000A9000000B30000000000000041636D65476C6F6265784E6F206B6579436F6D70616E792033436F6D70616E792034436F6D70616E792035436F6D70616E792036436F6D70616E792037436F6D70616E792038436F6D70616E792039436F6D70616E79203130436F6D70616E79203131436F6D70616E79203132436F6D70616E79203133436F6D70616E79203134436F6D70616E79203135436F6D70616E79203136436F6D70616E79203137436F6D70616E79203138436F6D70616E79203139436F6D70616E79203230436F6D0A000000000000001400000000000000010000000000000003000000000000000400000000000000050000000000000006000000000000000700000000000000080000000000000009000000000000000A000000000000000B000000000000000C000000000000000D000000000000000E000000000000000F000000000000001000000000000000110000000000000012000000000000001300000000000000FFFFFFFF00000000');
INSERT INTO "datasets" VALUES('people','DatasetSpec(name=''people'', source=''people'', key=(''id'',), sql=None, types=mappingproxy({})) FileSource(name=''people'', path=''people.ndjson'', base=PosixPath(''/srv/penstock''), format=None, encoding=None, delimiter=None)','e414970ef6ae717cdb4c8e74','{"columns":[["id","text",false,["u1","u2","u3"]],["email","text",false,["a@x.example","b@x.example","c@x.example"]],["company","text",false,["k1","k2"]],["plan","text",true,["pro"]],["tags","json",true,["[\"a\"]"]]],"records":3,"source":null}',X'FFFFFFFFF80100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A000000880000000400000001000000040000002CFFFFFF5C000000040000004D0000007B226669727374223A302C22616273656E74223A7B22706C616E223A5B322C335D2C2274616773223A5B302C312C335D7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D0000001000000070656E73746F636B2E6D656D62657273000000000500000014010000D8000000AC00000080000000180000000000120018000800060007000C0000001000140012000000000001051400000054000000080000001400000000000000040000007461677300000000010000000C00000008000C0004000800080000001400000004000000040000006A736F6E000000000800000070656E73746F636B0000000054FFFFFF88FFFFFF000001051000000018000000040000000000000004000000706C616E000000007CFFFFFFB0FFFFFF000001051000000018000000040000000000000007000000636F6D70616E7900A4FFFFFFD8FFFFFF000001051000000018000000040000000000000005000000656D61696C000000CCFFFFFF100014000800060007000C00000010001000000000000105100000001800000004000000000000000200000069640000040004000400000000000000FFFFFFFF9801000014000000000000000C0016000600050008000C000C0000000003040018000000D80000000000000000000A0018000C00040008000A0000000C010000100000000400000000000000000000000F000000000000000000000000000000000000000000000000000000140000000000000018000000000000000800000000000000200000000000000000000000000000002000000000000000140000000000000038000000000000002C000000000000006800000000000000000000000000000068000000000000001400000000000000800000000000000008000000000000008800000000000000010000000000000090000000000000001400000000000000A8000000000000000300000000000000B0000000000000000100000000000000B8000000000000001400000000000000D0000000000000000500000000000000000000000500000004000000000000000000000000000000040000000000000000000000000000000400000000000000000000000000000004000000000000000300000000000000040000000000000003000000000000000000000002000000040000000600000008000000000000007531753275337539000000000B00000016000000210000002C000000000000006140782E6578616D706C656240782E6578616D706C656340782E6578616D706C657A40782E6578616D706C65000000000000000002000000040000000600000008000000000000006B316B326B316B31010000000000000000000000030000000300000003000000030000000000000070726F000000000004000000000000000000000000000000000000000500000005000000000000005B2261225D000000FFFFFFFF00000000');
INSERT INTO "datasets" VALUES('tasks','DatasetSpec(name=''tasks'', source=''tasks'', key=(''id'',), sql=None, types=mappingproxy({})) FileSource(name=''tasks'', path=''tasks.csv'', base=PosixPath(''/srv/penstock''), format=None, encoding=None, delimiter=None)','a1ad7804fe09382f3d1fe206','{"columns":[["id","text",false,["t1","t2"]],["name","text",false,["Call","Mail"]],["company","text",false,["k1","k2"]]],"records":2,"source":null}',X'FFFFFFFF380100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A0000007400000004000000010000000C00000008000C0004000800080000004000000004000000320000007B226669727374223A302C22616273656E74223A7B7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D00001000000070656E73746F636B2E6D656D6265727300000000030000006C0000003000000004000000B0FFFFFF000001051000000018000000040000000000000007000000636F6D70616E7900A4FFFFFFD8FFFFFF0000010510000000180000000400000000000000040000006E616D6500000000CCFFFFFF100014000800060007000C000000100010000000000001051000000018000000040000000000000002000000696400000400040004000000FFFFFFFF1801000014000000000000000C0016000600050008000C000C0000000003040018000000480000000000000000000A0018000C00040008000A000000AC00000010000000020000000000000000000000090000000000000000000000000000000000000000000000000000000C00000000000000100000000000000004000000000000001800000000000000000000000000000018000000000000000C00000000000000280000000000000008000000000000003000000000000000000000000000000030000000000000000C000000000000004000000000000000040000000000000000000000030000000200000000000000000000000000000002000000000000000000000000000000020000000000000000000000000000000000000002000000040000000000000074317432000000000000000004000000080000000000000043616C6C4D61696C000000000200000004000000000000006B316B3200000000FFFFFFFF00000000');
INSERT INTO "datasets" VALUES('notes','DatasetSpec(name=''notes'', source=''notes'', key=(''id'',), sql=None, types=mappingproxy({})) FileSource(name=''notes'', path=''notes.csv'', base=PosixPath(''/srv/penstock''), format=None, encoding=None, delimiter=None)','32e2b9ccf8363a5870fedb88','{"columns":[["id","text",false,["n1","n2"]],["text","text",false,["Hello","Again"]],["company","text",false,["k1","k2"]]],"records":2,"source":null}',X'FFFFFFFF380100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A0000007400000004000000010000000C00000008000C0004000800080000004000000004000000320000007B226669727374223A302C22616273656E74223A7B7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D00001000000070656E73746F636B2E6D656D6265727300000000030000006C0000003000000004000000B0FFFFFF000001051000000018000000040000000000000007000000636F6D70616E7900A4FFFFFFD8FFFFFF0000010510000000180000000400000000000000040000007465787400000000CCFFFFFF100014000800060007000C000000100010000000000001051000000018000000040000000000000002000000696400000400040004000000FFFFFFFF1801000014000000000000000C0016000600050008000C000C0000000003040018000000880000000000000000000A0018000C00040008000A000000AC0000001000000005000000000000000000000009000000000000000000000000000000000000000000000000000000180000000000000018000000000000000A00000000000000280000000000000000000000000000002800000000000000180000000000000040000000000000001A00000000000000600000000000000000000000000000006000000000000000180000000000000078000000000000000A00000000000000000000000300000005000000000000000000000000000000050000000000000000000000000000000500000000000000000000000000000000000000020000000400000006000000080000000A0000006E316E326E336E346E3500000000000000000000050000000A0000000F000000150000001A00000048656C6C6F416761696E5468697264466F75727468466966746800000000000000000000020000000400000006000000080000000A0000006B316B326B316B326B31000000000000FFFFFFFF00000000');
INSERT INTO "datasets" VALUES('invoices','DatasetSpec(name=''invoices'', source=''invoices'', key=(''id'',), sql=None, types=mappingproxy({})) SqlSource(name=''invoices'', url=Secret(…), base=PosixPath(''/srv/penstock''), query=None, table=''invoices'', cursor=CursorSpec(column=''updated_at'', overlap=None))',NULL,'{"columns":[["id","text",false,["i1","i2"]],["company","text",false,["k1","k2"]],["amount","number",false,["10.5","99"]],["updated_at","text",false,["2026-01-01T00:00:00Z","2026-01-02T00:00:00Z"]]],"records":2,"source":null}',X'FFFFFFFF780100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A0000007400000004000000010000000C00000008000C0004000800080000004000000004000000320000007B226669727374223A302C22616273656E74223A7B7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D00001000000070656E73746F636B2E6D656D626572730000000004000000A80000006C000000340000000400000078FFFFFF00000105100000001C00000004000000000000000A000000757064617465645F6174000070FFFFFFA4FFFFFF000001031000000020000000040000000000000006000000616D6F756E74000000000600080006000600000000000200D8FFFFFF000001051000000018000000040000000000000007000000636F6D70616E7900CCFFFFFF100014000800060007000C00000010001000000000000105100000001800000004000000000000000200000069640000040004000400000000000000FFFFFFFF4801000014000000000000000C0016000600050008000C000C0000000003040018000000780000000000000000000A0018000C00040008000A000000CC000000100000000200000000000000000000000B0000000000000000000000000000000000000000000000000000000C00000000000000100000000000000004000000000000001800000000000000000000000000000018000000000000000C000000000000002800000000000000040000000000000030000000000000000000000000000000300000000000000010000000000000004000000000000000000000000000000040000000000000000C0000000000000050000000000000002800000000000000000000000400000002000000000000000000000000000000020000000000000000000000000000000200000000000000000000000000000002000000000000000000000000000000000000000200000004000000000000006931693200000000000000000200000004000000000000006B316B320000000000000000000025400000000000C0584000000000140000002800000000000000323032362D30312D30315430303A30303A30305A323032362D30312D30325430303A30303A30305AFFFFFFFF00000000');
INSERT INTO "datasets" VALUES('signups','DatasetSpec(name=''signups'', source=''signups'', key=(''user_id'',), sql=None, types=mappingproxy({})) {''user_id'': ''text'', ''email'': ''text''}','2','{"columns":[["user_id","text",false,["w1","w2"]],["email","text",false,["w1@x.example","w2@x.example"]]],"records":2,"source":null}',X'FFFFFFFF100100001000000000000A000E000600050008000A000000000104001000000000000A000C000000040008000A0000007400000004000000010000000C00000008000C0004000800080000004000000004000000320000007B226669727374223A302C22616273656E74223A7B7D2C226D697366697473223A7B7D2C22637572736F72223A6E756C6C7D00001000000070656E73746F636B2E6D656D6265727300000000020000004000000004000000D8FFFFFF000001051000000018000000040000000000000005000000656D61696C000000C8FFFFFF100014000800060007000C00000010001000000000000105100000001C000000040000000000000007000000757365725F6964000400040004000000FFFFFFFFD800000014000000000000000C0016000600050008000C000C0000000003040018000000400000000000000000000A0018000C00040008000A0000007C00000010000000020000000000000000000000060000000000000000000000000000000000000000000000000000000C00000000000000100000000000000004000000000000001800000000000000000000000000000018000000000000000C000000000000002800000000000000180000000000000000000000020000000200000000000000000000000000000002000000000000000000000000000000000000000200000004000000000000007731773200000000000000000C0000001800000000000000773140782E6578616D706C65773240782E6578616D706C65FFFFFFFF00000000');
CREATE TABLE discarded (
	destination TEXT NOT NULL, 
	identity BLOB NOT NULL, 
	record_print BIGINT NOT NULL, 
	content BIGINT, 
	reason TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (destination, identity, record_print)
);
INSERT INTO "discarded" VALUES('people',X'87F25AB536A7C4B47598D8E0B459D6FE',-6180541728619685977,NULL,'not wanted','2026-11-28T19:53:19.301Z');
CREATE TABLE exchanges (
	run TEXT NOT NULL, 
	delivery BIGINT NOT NULL, 
	request TEXT NOT NULL, 
	reply TEXT, 
	PRIMARY KEY (run, delivery)
);
INSERT INTO "exchanges" VALUES('r-20261128-195213-42jm4v',0,'{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"company\",\"payload\":{\"company_id\":\"k1\",\"name\":\"Acme\",\"size\":10}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k2\",\"name\":\"Globex\",\"size\":20}}],\"synchronous\":false,\"returnJobId\":true}"}','{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:52:13 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30edbfe551b446000001\",\"status\":\"pending\",\"results\":[]}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195213-8cz6fa',0,'{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"people\",\"payload\":{\"user_id\":\"u1\",\"email\":\"a@x.example\",\"companies\":[{\"company_id\":\"k1\"}],\"custom_attributes\":{\"plan\":\"pro\"}}},{\"type\":\"people\",\"payload\":{\"user_id\":\"u2\",\"email\":\"b@x.example\",\"companies\":[{\"company_id\":\"k2\"}]}}],\"synchronous\":false,\"returnJobId\":true}"}','{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:52:13 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30edbfe551b446000004\",\"status\":\"pending\",\"results\":[]}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195214-etfrqx',0,'{"method":"POST","url":"http://127.0.0.1:8977/task","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"name\":\"Call\",\"company_id\":\"k1\",\"priority\":\"medium\",\"status\":\"open\",\"externalId\":\"t1\"}"}','{"status":422,"headers":{"content-type":"application/json; charset=utf-8","content-length":"86","date":"Sat, 28 Nov 2026 19:52:14 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"error\":\"Unprocessable Entity\",\"message\":\"Simulated by the sandbox\",\"statusCode\":422}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195214-etfrqx',1,'{"method":"POST","url":"http://127.0.0.1:8977/task","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"name\":\"Mail\",\"company_id\":\"k2\",\"priority\":\"medium\",\"status\":\"open\",\"externalId\":\"t2\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"277","date":"Sat, 28 Nov 2026 19:52:14 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30eebfe551b446000007\",\"created_at\":\"2026-11-28T19:52:14.095Z\",\"updated_at\":\"2026-11-28T19:52:14.095Z\",\"createdByType\":\"api\",\"completedAt\":null,\"name\":\"Mail\",\"company_id\":\"k2\",\"priority\":\"medium\",\"status\":\"open\",\"externalId\":\"t2\",\"company\":\"6b0b30edbfe551b446000003\"}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195216-fbfqza',0,'{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Hello\",\"entity\":\"6b0b30edbfe551b446000002\",\"entityModel\":\"Company\"}"}','{"error":"the connection was cut before the answer came"}');
INSERT INTO "exchanges" VALUES('r-20261128-195216-fbfqza',1,'{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Again\",\"entity\":\"6b0b30edbfe551b446000003\",\"entityModel\":\"Company\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"303","date":"Sat, 28 Nov 2026 19:52:16 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30f0bfe551b446000009\",\"created_at\":\"2026-11-28T19:52:16.135Z\",\"updated_at\":\"2026-11-28T19:52:16.135Z\",\"createdByType\":\"api\",\"externalProvider\":null,\"externalId\":null,\"company\":[\"6b0b30edbfe551b446000003\"],\"people\":[],\"text\":\"Again\",\"entity\":\"6b0b30edbfe551b446000003\",\"entityModel\":\"Company\"}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195217-rxa3tc',0,'{"method":"POST","url":"http://127.0.0.1:8977/financial/invoice","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"company_id\":\"k1\",\"total\":10.5,\"externalId\":\"i1\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"212","date":"Sat, 28 Nov 2026 19:52:17 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30f1bfe551b44600000a\",\"created_at\":\"2026-11-28T19:52:17.762Z\",\"updated_at\":\"2026-11-28T19:52:17.762Z\",\"company_id\":\"k1\",\"total\":10.5,\"company\":\"6b0b30edbfe551b446000002\",\"externalIds\":{\"custify\":\"i1\"}}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195217-rxa3tc',1,'{"method":"POST","url":"http://127.0.0.1:8977/financial/invoice","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"company_id\":\"k2\",\"total\":99,\"externalId\":\"i2\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"210","date":"Sat, 28 Nov 2026 19:52:17 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30f1bfe551b44600000b\",\"created_at\":\"2026-11-28T19:52:17.763Z\",\"updated_at\":\"2026-11-28T19:52:17.763Z\",\"company_id\":\"k2\",\"total\":99,\"company\":\"6b0b30edbfe551b446000003\",\"externalIds\":{\"custify\":\"i2\"}}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195250-vwgh4m',0,'{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"people\",\"payload\":{\"user_id\":\"w1\",\"email\":\"w1@x.example\"}},{\"type\":\"people\",\"payload\":{\"user_id\":\"w2\",\"email\":\"w2@x.example\"}}],\"synchronous\":false,\"returnJobId\":true}"}','{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:52:51 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b3113bfe551b44600000c\",\"status\":\"pending\",\"results\":[]}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195302-2kzf2q',0,'{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"company\",\"payload\":{\"company_id\":\"k3\",\"name\":\"Company 3\",\"size\":3}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k4\",\"name\":\"Company 4\",\"size\":4}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k5\",\"name\":\"Company 5\",\"size\":5}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k6\",\"name\":\"Company 6\",\"size\":6}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k7\",\"name\":\"Company 7\",\"size\":7}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k8\",\"name\":\"Company 8\",\"size\":8}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k9\",\"name\":\"Company 9\",\"size\":9}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k10\",\"name\":\"Company 10\",\"size\":10}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k11\",\"name\":\"Company 11\",\"size\":11}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k12\",\"name\":\"Company 12\",\"size\":12}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k13\",\"name\":\"Company 13\",\"size\":13}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k14\",\"name\":\"Company 14\",\"size\":14}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k15\",\"name\":\"Company 15\",\"size\":15}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k16\",\"name\":\"Company 16\",\"size\":16}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k17\",\"name\":\"Company 17\",\"size\":17}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k18\",\"name\":\"Company 18\",\"size\":18}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k19\",\"name\":\"Company 19\",\"size\":19}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k20\",\"name\":\"Company 20\",\"size\":20}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k21\",\"name\":\"Company 21\",\"size\":21}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k22\",\"name\":\"Company 22\",\"size\":22}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k23\",\"name\":\"Company 23\",\"size\":23}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k24\",\"name\":\"Company 24\",\"size\":24}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k25\",\"name\":\"Company 25\",\"size\":25}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k26\",\"name\":\"Company 26\",\"size\":26}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k27\",\"name\":\"Company 27\",\"size\":27}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k28\",\"name\":\"Company 28\",\"size\":28}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k29\",\"name\":\"Company 29\",\"size\":29}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k30\",\"name\":\"Company 30\",\"size\":30}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k31\",\"name\":\"Company 31\",\"size\":31}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k32\",\"name\":\"Company 32\",\"size\":32}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k33\",\"name\":\"Company 33\",\"size\":33}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k34\",\"name\":\"Company 34\",\"size\":34}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k35\",\"name\":\"Company 35\",\"size\":35}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k36\",\"name\":\"Company 36\",\"size\":36}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k37\",\"name\":\"Company 37\",\"size\":37}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k38\",\"name\":\"Company 38\",\"size\":38}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k39\",\"name\":\"Company 39\",\"size\":39}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k40\",\"name\":\"Company 40\",\"size\":40}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k41\",\"name\":\"Company 41\",\"size\":41}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k42\",\"name\":\"Company 42\",\"size\":42}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k43\",\"name\":\"Company 43\",\"size\":43}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k44\",\"name\":\"Company 44\",\"size\":44}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k45\",\"name\":\"Company 45\",\"size\":45}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k46\",\"name\":\"Company 46\",\"size\":46}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k47\",\"name\":\"Company 47\",\"size\":47}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k48\",\"name\":\"Company 48\",\"size\":48}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k49\",\"name\":\"Company 49\",\"size\":49}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k50\",\"name\":\"Company 50\",\"size\":50}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k51\",\"name\":\"Company 51\",\"size\":51}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k52\",\"name\":\"Company 52\",\"size\":52}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k53\",\"name\":\"Company 53\",\"size\":53}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k54\",\"name\":\"Company 54\",\"size\":54}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k55\",\"name\":\"Company 55\",\"size\":55}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k56\",\"name\":\"Company 56\",\"size\":56}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k57\",\"name\":\"Company 57\",\"size\":57}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k58\",\"name\":\"Company 58\",\"size\":58}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k59\",\"name\":\"Company 59\",\"size\":59}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k60\",\"name\":\"Company 60\",\"size\":60}}],\"synchronous\":false,\"returnJobId\":true}"}','{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:53:02 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b311ebfe551b44600000f\",\"status\":\"pending\",\"results\":[]}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195320-au5hjt',0,'{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Third\",\"entity\":\"6b0b30edbfe551b446000002\",\"entityModel\":\"Company\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"303","date":"Sat, 28 Nov 2026 19:53:23 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b3130bfe551b446000010\",\"created_at\":\"2026-11-28T19:53:20.736Z\",\"updated_at\":\"2026-11-28T19:53:20.736Z\",\"createdByType\":\"api\",\"externalProvider\":null,\"externalId\":null,\"company\":[\"6b0b30edbfe551b446000002\"],\"people\":[],\"text\":\"Third\",\"entity\":\"6b0b30edbfe551b446000002\",\"entityModel\":\"Company\"}"}');
INSERT INTO "exchanges" VALUES('r-20261128-195320-au5hjt',1,'{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Fourth\",\"entity\":\"6b0b30edbfe551b446000003\",\"entityModel\":\"Company\"}"}','{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"304","date":"Sat, 28 Nov 2026 19:53:23 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b3130bfe551b446000011\",\"created_at\":\"2026-11-28T19:53:20.736Z\",\"updated_at\":\"2026-11-28T19:53:20.736Z\",\"createdByType\":\"api\",\"externalProvider\":null,\"externalId\":null,\"company\":[\"6b0b30edbfe551b446000003\"],\"people\":[],\"text\":\"Fourth\",\"entity\":\"6b0b30edbfe551b446000003\",\"entityModel\":\"Company\"}"}');
CREATE TABLE frozen_parts (
	run TEXT NOT NULL, 
	part INTEGER NOT NULL, 
	bytes BLOB NOT NULL, 
	PRIMARY KEY (run, part)
);
CREATE TABLE in_flight (
	destination TEXT NOT NULL, 
	run TEXT NOT NULL, 
	first BIGINT NOT NULL, 
	hashes BLOB NOT NULL, 
	PRIMARY KEY (destination, run, first)
);
CREATE TABLE intents (
	run TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	ordinals TEXT NOT NULL, 
	keys TEXT NOT NULL, 
	contents BLOB NOT NULL, 
	request TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (run, number)
);
INSERT INTO "intents" VALUES('r-20261128-195344-ey6fdz',1,'[[4,1,0]]','["n5"]',X'925BB0BF779C70A5','{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Fifth\",\"entity\":\"6b0b30edbfe551b446000002\",\"entityModel\":\"Company\"}"}','2026-11-28T19:53:44.640Z');
CREATE TABLE jobs (
	run TEXT NOT NULL, 
	delivery BIGINT NOT NULL, 
	destination TEXT NOT NULL, 
	job TEXT NOT NULL, 
	at TEXT NOT NULL, 
	records TEXT NOT NULL, 
	PRIMARY KEY (run, delivery)
);
INSERT INTO "jobs" VALUES('r-20261128-195302-2kzf2q',0,'companies','6b0b311ebfe551b44600000f','2026-11-28T19:53:02.930Z','[[3, "k3", [852018658403722154, 3939406056436933818], 3575189131875397970, "{\"company_id\":\"k3\",\"name\":\"Company 3\",\"size\":3}", 7280778326257349837], [4, "k4", [16255760072663958327, 16804693133998884571], 13526450951820263173, "{\"company_id\":\"k4\",\"name\":\"Company 4\",\"size\":4}", 13583663714961183051], [5, "k5", [10086756494462442838, 10123254822085637354], 10394775302080464638, "{\"company_id\":\"k5\",\"name\":\"Company 5\",\"size\":5}", 10349164420447041995], [6, "k6", [17775963025794987249, 13165742789205280128], 15031458544376093651, "{\"company_id\":\"k6\",\"name\":\"Company 6\",\"size\":6}", 9630314157977325769], [7, "k7", [5579539903022117712, 18443274742450045245], 9120271075355243014, "{\"company_id\":\"k7\",\"name\":\"Company 7\",\"size\":7}", 1862213468712943667], [8, "k8", [4203191614928638712, 15775029354889554721], 14613941165959259981, "{\"company_id\":\"k8\",\"name\":\"Company 8\",\"size\":8}", 2061099065731642517], [9, "k9", [14757133107074165181, 6313138782470123911], 11694578354875390138, "{\"company_id\":\"k9\",\"name\":\"Company 9\",\"size\":9}", 13746864748836105669], [10, "k10", [6707571467742580849, 14847879665054652723], 734056141023281766, "{\"company_id\":\"k10\",\"name\":\"Company 10\",\"size\":10}", 2625639067446850146], [11, "k11", [12040136183008761118, 8126768987861189795], 17054029338416531919, "{\"company_id\":\"k11\",\"name\":\"Company 11\",\"size\":11}", 12167578795254966915], [12, "k12", [10897430207488763038, 14537790383984152041], 12540767633423980456, "{\"company_id\":\"k12\",\"name\":\"Company 12\",\"size\":12}", 15279957931964831812], [13, "k13", [7349541145003005476, 16906762974421014944], 17815144789502276727, "{\"company_id\":\"k13\",\"name\":\"Company 13\",\"size\":13}", 8116999560420221485], [14, "k14", [4155280247978287792, 13327701787775966538], 3997237344639021081, "{\"company_id\":\"k14\",\"name\":\"Company 14\",\"size\":14}", 3121885940256727942], [15, "k15", [10992260163368495639, 8660715333889596519], 2176290250798032467, "{\"company_id\":\"k15\",\"name\":\"Company 15\",\"size\":15}", 3040984046311200287], [16, "k16", [2330160303709934541, 10606972131121323280], 1764735703350842615, "{\"company_id\":\"k16\",\"name\":\"Company 16\",\"size\":16}", 13932400013135103196], [17, "k17", [12137650778974987628, 16738630819774831633], 8626702994079593248, "{\"company_id\":\"k17\",\"name\":\"Company 17\",\"size\":17}", 12482607369414573072], [18, "k18", [4164142828047594314, 9509059470799824099], 17717975260559422408, "{\"company_id\":\"k18\",\"name\":\"Company 18\",\"size\":18}", 2047927322479009183], [19, "k19", [743011050761165945, 14027730339969560011], 16861695141100650087, "{\"company_id\":\"k19\",\"name\":\"Company 19\",\"size\":19}", 4272265012070070724], [20, "k20", [10275512710411210498, 9799903147269059322], 9971796907450088587, "{\"company_id\":\"k20\",\"name\":\"Company 20\",\"size\":20}", 4827105457283025645], [21, "k21", [12679881328202784583, 7871168755153051560], 8995844519348219886, "{\"company_id\":\"k21\",\"name\":\"Company 21\",\"size\":21}", 4707796291543547015], [22, "k22", [15009533476913450240, 16520073883156532348], 11517645505971356073, "{\"company_id\":\"k22\",\"name\":\"Company 22\",\"size\":22}", 6071604936284746798], [23, "k23", [3395820008864978787, 4235877081588684469], 5664229528111185452, "{\"company_id\":\"k23\",\"name\":\"Company 23\",\"size\":23}", 10455446344983967657], [24, "k24", [16397114504990121379, 601228447003516664], 1716955962719985159, "{\"company_id\":\"k24\",\"name\":\"Company 24\",\"size\":24}", 13247669944941645867], [25, "k25", [17997594766977799441, 1765365580833485184], 15869945966072845993, "{\"company_id\":\"k25\",\"name\":\"Company 25\",\"size\":25}", 8832013741172559079], [26, "k26", [9675853428725311009, 7262314272888924580], 1348172354504680287, "{\"company_id\":\"k26\",\"name\":\"Company 26\",\"size\":26}", 14139383152703427282], [27, "k27", [7246875811215188275, 2868850017197048731], 16517168019241646472, "{\"company_id\":\"k27\",\"name\":\"Company 27\",\"size\":27}", 13143105513316410718], [28, "k28", [6410592036443000427, 13342726332542168637], 10291551622142126003, "{\"company_id\":\"k28\",\"name\":\"Company 28\",\"size\":28}", 13793308157497095465], [29, "k29", [14876030622443860258, 2072725525076541139], 17662988161215084848, "{\"company_id\":\"k29\",\"name\":\"Company 29\",\"size\":29}", 13498280553246154573], [30, "k30", [14289102785868296351, 14223380457622298583], 1348019649913179661, "{\"company_id\":\"k30\",\"name\":\"Company 30\",\"size\":30}", 7653934192695779171], [31, "k31", [8548180722434818482, 1640609616294312633], 660645041930037815, "{\"company_id\":\"k31\",\"name\":\"Company 31\",\"size\":31}", 11506092692444686064], [32, "k32", [5960041641127978786, 16424837597568271647], 426341225157830307, "{\"company_id\":\"k32\",\"name\":\"Company 32\",\"size\":32}", 11722176312974628413], [33, "k33", [3446097818007656836, 16045730259501710004], 10640328225138879330, "{\"company_id\":\"k33\",\"name\":\"Company 33\",\"size\":33}", 998304588265589643], [34, "k34", [9843421364771670420, 1111926581716473649], 13078364983133241236, "{\"company_id\":\"k34\",\"name\":\"Company 34\",\"size\":34}", 11455540802906454718], [35, "k35", [14117500268010200122, 12799890456332115564], 1467581097902722006, "{\"company_id\":\"k35\",\"name\":\"Company 35\",\"size\":35}", 3812287712554498526], [36, "k36", [7068836847498229664, 7065168423910169718], 7436869186026786021, "{\"company_id\":\"k36\",\"name\":\"Company 36\",\"size\":36}", 8151332193097263369], [37, "k37", [3657155492941658266, 13291086202752234382], 6560996218350074082, "{\"company_id\":\"k37\",\"name\":\"Company 37\",\"size\":37}", 16883857335944350306], [38, "k38", [14933254165480838909, 12516598409051265772], 6044832751477853300, "{\"company_id\":\"k38\",\"name\":\"Company 38\",\"size\":38}", 11934353721205418779], [39, "k39", [18250875079238154769, 8657435884420146858], 4321525934455917227, "{\"company_id\":\"k39\",\"name\":\"Company 39\",\"size\":39}", 9008923762039891730], [40, "k40", [3655797912356040419, 10337424756052040779], 1711308986428809834, "{\"company_id\":\"k40\",\"name\":\"Company 40\",\"size\":40}", 11609592150908696246], [41, "k41", [17149807479557368308, 12263127096657001605], 14748182177158152489, "{\"company_id\":\"k41\",\"name\":\"Company 41\",\"size\":41}", 771072859858580693], [42, "k42", [14476252876597034741, 9392029707125282229], 9897491850355552814, "{\"company_id\":\"k42\",\"name\":\"Company 42\",\"size\":42}", 8092004291451829196], [43, "k43", [3040108156262616261, 15152134144427377467], 597642895017891584, "{\"company_id\":\"k43\",\"name\":\"Company 43\",\"size\":43}", 15786916731853001460], [44, "k44", [779095913216191180, 1674894935445428674], 10689578497529173843, "{\"company_id\":\"k44\",\"name\":\"Company 44\",\"size\":44}", 12181606282094877766], [45, "k45", [12724342348392209197, 8649867523530905332], 7714923502073086233, "{\"company_id\":\"k45\",\"name\":\"Company 45\",\"size\":45}", 13318082614849302763], [46, "k46", [5527383478724391579, 9170255624268159620], 12678516352330475346, "{\"company_id\":\"k46\",\"name\":\"Company 46\",\"size\":46}", 5598331875417563638], [47, "k47", [11395780620182395510, 14757130432422020178], 11405693209165695567, "{\"company_id\":\"k47\",\"name\":\"Company 47\",\"size\":47}", 10536256905898974486], [48, "k48", [4160114118252107195, 16271504130248409101], 15951664833612392578, "{\"company_id\":\"k48\",\"name\":\"Company 48\",\"size\":48}", 13329675747589994091], [49, "k49", [600497328558072815, 9894681139070574430], 15863200847284004874, "{\"company_id\":\"k49\",\"name\":\"Company 49\",\"size\":49}", 2381425540339522908], [50, "k50", [3793237819464290624, 2166399354566245826], 10983805003200409382, "{\"company_id\":\"k50\",\"name\":\"Company 50\",\"size\":50}", 6674000920893325642], [51, "k51", [8500361195586409987, 1101607886167722781], 2098490127626638847, "{\"company_id\":\"k51\",\"name\":\"Company 51\",\"size\":51}", 2722335846235492341], [52, "k52", [9675724448425570972, 13180385399434347063], 14370812064781666772, "{\"company_id\":\"k52\",\"name\":\"Company 52\",\"size\":52}", 7929544202791753102], [53, "k53", [3323578270519662195, 867440690951632969], 938846545652995946, "{\"company_id\":\"k53\",\"name\":\"Company 53\",\"size\":53}", 13767356941276664516], [54, "k54", [10169746821205701056, 4092659857353705789], 3105297425955030896, "{\"company_id\":\"k54\",\"name\":\"Company 54\",\"size\":54}", 8485122484215545980], [55, "k55", [6540028588348365442, 18395351123659574479], 16244332560740610008, "{\"company_id\":\"k55\",\"name\":\"Company 55\",\"size\":55}", 12830956209853461302], [56, "k56", [13962601868526431951, 17447482705139862202], 6713973362906343947, "{\"company_id\":\"k56\",\"name\":\"Company 56\",\"size\":56}", 10032658870227641340], [57, "k57", [13755867690983262627, 11221897732306822792], 5737127919618747915, "{\"company_id\":\"k57\",\"name\":\"Company 57\",\"size\":57}", 16752945058382924728], [58, "k58", [2802949676453070633, 6469388243382567704], 3954075758688193598, "{\"company_id\":\"k58\",\"name\":\"Company 58\",\"size\":58}", 8907323425636928522], [59, "k59", [5837971327513646772, 15842677886698457167], 8683155324359827550, "{\"company_id\":\"k59\",\"name\":\"Company 59\",\"size\":59}", 8529427852630725747], [60, "k60", [11876306127962165768, 4523389465066690477], 2506142278659461086, "{\"company_id\":\"k60\",\"name\":\"Company 60\",\"size\":60}", 858537727669340939]]');
CREATE TABLE known_ids (
	credential TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	remote TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (credential, kind, "by", value)
);
INSERT INTO "known_ids" VALUES('acme','company','company_id','k1','6b0b30edbfe551b446000002','2026-11-28T19:52:16.124Z');
INSERT INTO "known_ids" VALUES('acme','company','company_id','k2','6b0b30edbfe551b446000003','2026-11-28T19:52:16.128Z');
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE ledger_batches (
	id INTEGER NOT NULL, 
	run TEXT NOT NULL, 
	delivery BIGINT, 
	method TEXT, 
	url TEXT, 
	status INTEGER, 
	attempts INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	duration_ms FLOAT, 
	at TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT, 
	is_test BOOLEAN NOT NULL, 
	records INTEGER NOT NULL, 
	keys TEXT, 
	ordinals TEXT NOT NULL, 
	top BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "ledger_batches" VALUES(1,'r-20261128-195213-42jm4v',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:13.172Z','quarantined','the record has no key: a key column is null or blank',0,1,'[null]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(2,'r-20261128-195213-42jm4v',0,'POST','http://127.0.0.1:8977/batch',202,1,1,9.06750199999351,'2026-11-28T19:52:13.175Z','delivered','200 OK: 2 delivered',0,2,'["k1","k2"]','[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(3,'r-20261128-195213-8cz6fa',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:13.524Z','quarantined','tags: "[''a'']" is a nested value; accepted: text, a number or a boolean; or exclude the column',0,1,'["u3"]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(4,'r-20261128-195213-8cz6fa',0,'POST','http://127.0.0.1:8977/batch',202,1,1,2.04241299991281266557e+00,'2026-11-28T19:52:13.537Z','delivered','200 OK: 2 delivered',0,2,'["u1","u2"]','[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(5,'r-20261128-195214-etfrqx',0,'POST','http://127.0.0.1:8977/task',422,1,1,2.41389399991476238938e+00,'2026-11-28T19:52:14.093Z','quarantined','422: Simulated by the sandbox (Custify)',0,1,'["t1"]','[[0,1,0]]',0);
INSERT INTO "ledger_batches" VALUES(6,'r-20261128-195214-etfrqx',1,'POST','http://127.0.0.1:8977/task',200,1,1,2.57999000007203,'2026-11-28T19:52:14.093Z','delivered','200 OK',0,1,'["t2"]','[[1,1,0]]',1);
INSERT INTO "ledger_batches" VALUES(7,'r-20261128-195216-fbfqza',0,'POST','http://127.0.0.1:8977/note',NULL,1,1,2.28483199998663621954e+00,'2026-11-28T19:52:16.132Z','unknown','sent, no answer: the connection was cut before the answer came',0,1,'["n1"]','[[0,1,0]]',0);
INSERT INTO "ledger_batches" VALUES(8,'r-20261128-195216-fbfqza',1,'POST','http://127.0.0.1:8977/note',200,1,1,6.81901999996625818312e-01,'2026-11-28T19:52:16.134Z','delivered','200 OK',0,1,'["n2"]','[[1,1,0]]',1);
INSERT INTO "ledger_batches" VALUES(9,'r-20261128-195217-rxa3tc',0,'POST','http://127.0.0.1:8977/financial/invoice',200,1,1,5.7203930000468972139e+00,'2026-11-28T19:52:17.757Z','delivered','200 OK',0,1,'["i1"]','[[0,1,0]]',0);
INSERT INTO "ledger_batches" VALUES(10,'r-20261128-195217-rxa3tc',1,'POST','http://127.0.0.1:8977/financial/invoice',200,1,1,3.20117299997946247458e+00,'2026-11-28T19:52:17.760Z','delivered','200 OK',0,1,'["i2"]','[[1,1,0]]',1);
INSERT INTO "ledger_batches" VALUES(11,'r-20261128-195219-qsxy4x',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.357Z','unchanged','the same as when it was last sent',0,2,NULL,'[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(12,'r-20261128-195219-qsxy4x',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.357Z','quarantined','the record has no key: a key column is null or blank',0,1,'[null]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(13,'r-20261128-195219-2vtj63',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.377Z','unchanged','the same as when it was last sent',0,2,NULL,'[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(14,'r-20261128-195219-2vtj63',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.377Z','quarantined','still held: tags: "[''a'']" is a nested value; accepted: text, a number or a boolean; or exclude the column',0,1,'["u3"]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(15,'r-20261128-195219-8x6u69',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.392Z','unchanged','the same as when it was last sent',0,1,NULL,'[[1,1,0]]',1);
INSERT INTO "ledger_batches" VALUES(16,'r-20261128-195219-8x6u69',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:52:19.392Z','quarantined','still held: 422: Simulated by the sandbox (Custify)',0,1,'["t1"]','[[0,1,0]]',0);
INSERT INTO "ledger_batches" VALUES(17,'r-20261128-195250-vwgh4m',0,'POST','http://127.0.0.1:8977/batch',202,1,1,5.1136519999772644951e+00,'2026-11-28T19:52:51.057Z','delivered','200 OK: 2 delivered',0,2,'["w1","w2"]','[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(18,'r-20261128-195302-2kzf2q',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:02.929Z','unchanged','the same as when it was last sent',0,2,NULL,'[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(19,'r-20261128-195302-2kzf2q',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:02.929Z','quarantined','the record has no key: a key column is null or blank',0,1,'[null]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(20,'r-20261128-195302-2kzf2q',0,'POST','http://127.0.0.1:8977/batch',202,1,1,3.06362799994985834928e+00,'2026-11-28T19:53:02.930Z','accepted','202 Accepted: became batch job 6b0b311ebfe551b44600000f',0,58,'["k3","k4","k5","k6","k7","k8","k9","k10","k11","k12","k13","k14","k15","k16","k17","k18","k19","k20","k21","k22","k23","k24","k25","k26","k27","k28","k29","k30","k31","k32","k33","k34","k35","k36","k37","k38","k39","k40","k41","k42","k43","k44","k45","k46","k47","k48","k49","k50","k51","k52","k53","k54","k55","k56","k57","k58","k59","k60"]','[[3,58,0]]',60);
INSERT INTO "ledger_batches" VALUES(21,'r-20261128-195320-au5hjt',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:20.724Z','unchanged','the same as when it was last sent',0,1,NULL,'[[1,1,0]]',1);
INSERT INTO "ledger_batches" VALUES(22,'r-20261128-195320-au5hjt',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:20.724Z','unknown','still held: sent, no answer: the connection was cut before the answer came',0,1,'["n1"]','[[0,1,0]]',0);
INSERT INTO "ledger_batches" VALUES(23,'r-20261128-195320-au5hjt',0,'POST','http://127.0.0.1:8977/note',200,1,1,3.00792327299996031797e+03,'2026-11-28T19:53:20.733Z','delivered','200 OK',0,1,'["n3"]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(24,'r-20261128-195320-au5hjt',1,'POST','http://127.0.0.1:8977/note',200,1,1,3.0064787390000446976e+03,'2026-11-28T19:53:20.735Z','delivered','200 OK',0,1,'["n4"]','[[3,1,0]]',3);
INSERT INTO "ledger_batches" VALUES(25,'r-20261128-195328-c97k7d',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:28.735Z','unchanged','the same as when it was last sent',0,2,NULL,'[[0,2,0]]',1);
INSERT INTO "ledger_batches" VALUES(26,'r-20261128-195328-c97k7d',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:28.735Z','unchanged','a person discarded this version, or mended it',0,1,'["u3"]','[[2,1,0]]',2);
INSERT INTO "ledger_batches" VALUES(27,'r-20261128-195344-ey6fdz',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:44.636Z','unchanged','the same as when it was last sent',0,3,NULL,'[[1,3,0]]',3);
INSERT INTO "ledger_batches" VALUES(28,'r-20261128-195344-ey6fdz',NULL,NULL,NULL,NULL,0,0,NULL,'2026-11-28T19:53:44.636Z','unknown','still held: sent, no answer: the connection was cut before the answer came',0,1,'["n1"]','[[0,1,0]]',0);
CREATE TABLE ledger_exceptions (
	batch INTEGER NOT NULL, 
	item INTEGER NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT, 
	field TEXT, 
	PRIMARY KEY (batch, item), 
	FOREIGN KEY(batch) REFERENCES ledger_batches (id) ON DELETE CASCADE
);
CREATE TABLE memory_segments (
	destination TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	high BLOB NOT NULL, 
	low BLOB NOT NULL, 
	contents BLOB NOT NULL, 
	prints BLOB NOT NULL, 
	PRIMARY KEY (destination, seq)
);
INSERT INTO "memory_segments" VALUES('companies',0,'2/2.0.0 1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')] (''company_id'', ''name'', ''size'')',2,X'CA767583BECB023FA14D343D5457A4A1',X'C5362AB786BFAF8181E182481FAC32D4',X'7650030245EA9ADAAD7438079140AAA1',X'95696742AA63E33F81A410DB460D23AB');
INSERT INTO "memory_segments" VALUES('companies',1,'2/2.0.0 1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')] (''company_id'', ''name'', ''size'')',2,X'CA767583BECB023FA14D343D5457A4A1',X'C5362AB786BFAF8181E182481FAC32D4',X'7650030245EA9ADAAD7438079140AAA1',X'95696742AA63E33F81A410DB460D23AB');
INSERT INTO "memory_segments" VALUES('people',0,'2/2.0.0 1 DestinationSpec(name=''people'', dataset=''people'', credential=''acme'', template=''upsert_person'', request=None, fields=mappingproxy({''user_id'': Binding(column=''id'', constant=None, default=None), ''email'': Binding(column=''email'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''email'', ''text''), (''company'', ''text''), (''plan'', ''text''), (''tags'', ''json'')] (''id'', ''email'', ''company'', ''plan'', ''tags'')',2,X'7D0D41BFF2E94C79FFBFDB7153C2B17C',X'F15D4D854625C09D4E7B7F95ECC7897F',X'8296E997C7CF96BBB976A43E314C601C',X'A94E43D5B19ED6DF78B6C8E36920ADD8');
INSERT INTO "memory_segments" VALUES('people',1,'2/2.0.0 1 DestinationSpec(name=''people'', dataset=''people'', credential=''acme'', template=''upsert_person'', request=None, fields=mappingproxy({''user_id'': Binding(column=''id'', constant=None, default=None), ''email'': Binding(column=''email'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''email'', ''text''), (''company'', ''text''), (''plan'', ''text''), (''tags'', ''json'')] (''id'', ''email'', ''company'', ''plan'', ''tags'')',2,X'7D0D41BFF2E94C79FFBFDB7153C2B17C',X'F15D4D854625C09D4E7B7F95ECC7897F',X'8296E997C7CF96BBB976A43E314C601C',X'A94E43D5B19ED6DF78B6C8E36920ADD8');
INSERT INTO "memory_segments" VALUES('tasks',0,'',1,X'E5FB173A0D754DA9',X'3CC32AC1FA3432C0',X'0000000000000000',X'0000000000000000');
INSERT INTO "memory_segments" VALUES('tasks',1,'2/2.0.0 1 DestinationSpec(name=''tasks'', dataset=''tasks'', credential=''acme'', template=''create_task'', request=None, fields=mappingproxy({''name'': Binding(column=''name'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''name'', ''text''), (''company'', ''text'')] (''id'', ''name'', ''company'')',1,X'6580F1C2CC9DEE1D',X'E037B54B2ACC3BC2',X'966E52EAE9727481',X'976D30890D1A9AC3');
INSERT INTO "memory_segments" VALUES('notes',0,'',1,X'21625EC516E45A49',X'949BB4D46DA233D7',X'0000000000000000',X'0000000000000000');
INSERT INTO "memory_segments" VALUES('notes',1,'2/2.0.0 1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')] (''id'', ''text'', ''company'')',1,X'BAAB816CB750FDBF',X'824EBFCCF64B4EAF',X'D974AC283BFE7779',X'AFE166CAB08DD539');
INSERT INTO "memory_segments" VALUES('invoices',0,'2/2.0.0 1 DestinationSpec(name=''invoices'', dataset=''invoices'', credential=''acme'', template=''upsert_invoice'', request=None, fields=mappingproxy({''company_id'': Binding(column=''company'', constant=None, default=None), ''amount'': Binding(column=''amount'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''company'', ''text''), (''amount'', ''number'')] (''id'', ''company'', ''amount'')',1,X'86CB5AB0C1FF01C5',X'3E64F81F441B5C4E',X'AD8F5012D0C6A580',X'6B1A6AD07EC8FB76');
INSERT INTO "memory_segments" VALUES('invoices',1,'2/2.0.0 1 DestinationSpec(name=''invoices'', dataset=''invoices'', credential=''acme'', template=''upsert_invoice'', request=None, fields=mappingproxy({''company_id'': Binding(column=''company'', constant=None, default=None), ''amount'': Binding(column=''amount'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''company'', ''text''), (''amount'', ''number'')] (''id'', ''company'', ''amount'')',1,X'26122436C26ED6AF',X'7538234D12681744',X'EAE64579871CFA05',X'25A4007032684FEE');
INSERT INTO "memory_segments" VALUES('posted',0,'2/2.0.0 1 DestinationSpec(name=''posted'', dataset=''signups'', credential=''acme'', template=''upsert_person'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''user_id'',) [(''user_id'', ''text''), (''email'', ''text'')] (''user_id'', ''email'')',2,X'9B89586691577D6E64D95F1C580318BA',X'8E8EA0846EBFEBFBAA65472936A2609A',X'40213D1DA2900F938EFDEDEB162EF20C',X'10EF2B36F3926043AC1201D5846A4A87');
INSERT INTO "memory_segments" VALUES('posted',1,'2/2.0.0 1 DestinationSpec(name=''posted'', dataset=''signups'', credential=''acme'', template=''upsert_person'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''user_id'',) [(''user_id'', ''text''), (''email'', ''text'')] (''user_id'', ''email'')',2,X'9B89586691577D6E64D95F1C580318BA',X'8E8EA0846EBFEBFBAA65472936A2609A',X'40213D1DA2900F938EFDEDEB162EF20C',X'10EF2B36F3926043AC1201D5846A4A87');
INSERT INTO "memory_segments" VALUES('companies',2,'2/2.0.0 1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')] (''company_id'', ''name'', ''size'')',58,X'EF63468523655508791CCF309DB44F0ACCAA35F19AE7CF0AAAA328A474FAD20BCDD35854736456202907484CE113E626C50CCDCC42A2302A731688F5D3B81F2E63978F654E60202F8459980FB5FFD22FE3AE9800D500BC329AF8275D8BD3C0324011BF09B349A434B062F1B25E85AA39BB1581D3BFB1BB394A73C4EBD601CA39F8D2B81A81BC543A9BF2BA12FD35B54C5033C0E9FA816E4DB4D65DD1FDA304512227F8814B52B6526B0E220C7EFFF658825A67BD59D9C25A71905730B614165DA0F75216A98D19623321DA9A271392642496055ABBD0FE65035671757859F775B2C191AC133DA1769CF2F7241F14478621E6EAB56D89478694C9B41D94DB9A88565D4CFC965BFB8BC0B19F2DDA32228D024F123D5EF4998E9EA4FA6109733B9717AA410C615A8C98769A40BC18F2259E08D2FA00801DD1A41E95902B112817A76C258C50139971A8479FA219E3FCF7AF2D9B600CF3F195B0A3895482C8A8E6BECF2EB9216C20C5C13ADC3A2FB26FEBC39F70B9DE46174DC6F5FE4AF44AFBE5C8BDE94FCE5FDECBCC227199D6084772CEFD961B328B933DCF008DC25F2C934CD037031DCDA80F98E1A35D5743C4408EE3F4A95A010A5B00EEF1F4FCDC30E8B0F6111524D1154DC4F911FA04F22F2248FD',X'5E1F0F5C12F85089CBEDDA0E6C82ACC2C25953DF116C3E17BA24F2BBEF94AB36105DF481F48833931803E8C054E2C7593B43A993B93147D24938E467B6C4090CB5D64F58C3DBC83AB4FA5537A8E2ADDE4B9CCFAC0BE9758F8E7324727B6C73B8C27D8E22BC98101E4A9DB9AC2982F5B80D00C2DCCBFECFE1E364162135F7F683212B8D5B9E29ECDA841A0878E74A437F3D41AB5EA9ACF3FF4F08998F997FDCDB1F8589C0C5BEF0E33D2E6D1AE8E22AB9CFCC4F5C626A49FF3319544FE3430ECE76DC78A93F850C629B43E70CE433D027A059177059E3A0EA1DCBCB3089B2490FB9FA4FF2C09DC41637820728B022EAB6A429CB925AECC864315786B7555B6E0FEAB42C19A0067D8C3D8911D8740CCC38FA723486FD3F0088E90D7768549BC0C9679C44B1B50A317852049F10F1DBCBCCAD570BA6C04EC63EA38420455615C870119C15A70B904BE8A81F0D9247023C6DF4563F06AF800A7888E6E8078830BC9BBA0AA26014E921F26C9E96A58D58A2B1D75FCFE12A9963C5B5551EED4131578287B1DF3246C69C57D37E121FE2CCC31CEC5AB8EFEFE3B3AD7CCCC06CAB1743E5DB0673CB5E4336E9F81E814C16FE5708853CB51F1F612FAA80C5BDCA4F1DB6B680F14778A4D67F18AA26955C11642578',X'5CDDFA5EE9850C21C439C49E64224A3B469CEE655FC20DA9CDB4EE0050850A65DCC490B3FED359C10ACC9A6C762B9D7BF4D2C4FC1F6516DBC4D2CD0C327A0FBFA9F7EC300E3519918B8B36D9BBB0DA0DB676130E8D8E1DA1620A56E3CA824FEA4A017A287AD09E5C86E349E2B82A532B6BB63D027885FCB89F9D2DA60CB36B1C95F4D21BAE7E9A1CF6A102F12D45B14D3340958A48E9D719739460ED709D5E763DD659F93F89ADA229B51C6DB0AC6BBF3673E808B1B610B262B28E13D224702409A9C42771591F715EE5B346D4B065B62D62D9301860A570F5CF2D5207AEC725F026E28557DAAD9F8E15299E70660B6ED2D20750102E39C4BE7A3B8BAA41FA9ECB79DB4A359E9F8F7C00597BF135C175ED4AB49AD652FD424418AD4DC8500DD41F5602D8E0BE332A165D5D1AD54D38920B8B00BC8323EA0B836ABF9B72ECDBA810FCA04C44213BAD87BC5AC0C8735541EBF065739355D3B8B8CB8C0AC56A7EE8FC239750162A3B8BDEB965E879F7E734631FD991983C386ACC3BECA007934C70C52DB7B1A7ACC6BE4DDFCC6EA58653BB1B6B4F807A579FA52EB4C25385AC42544BD19FEE2DDE82BC2B90DD31A02DD9B7D5B4D043AE66B30AC950A7FDB3BFA585E78CF51DB49D917A12A7F6246E20067D',X'0AE809AF1F6925DC67FE3BCC64C600EA5357E1F701035994523145C2929F9D31F714ADB0C5997D183ECC97F3F3B2DF3600D713EC0B414B086AD73F84F573070D2C7E58D5BE629B4E622BF758250AAA936AE205CD74CABF17E2F86F874C570D5B262FEBA974506E98197022CA2F0A793782A88E8FA6B25FDDC8B3CD28A0E4E2F54DA775FD0F26CFCA52A7A3E37223F3AF06B2D1C538B6917E5E60021EC3C38078A326A3DE15ABEA05B3676061ACEFD28ED86F41D865766FE16602E3CA2BE42F0AE5CC2C5A1F11356788395742CDC438E577346F20CC1B3CF7FF95D91DA7551F1D37EADC562A152B09D48935DF6E616FC75FE3400E9DABB512947F90F6A8AF7FB5FE86823810A941907007FC6B8E3B182B8BBCE65874F0628AA8D7F300B8C109AE5366F6DE73BC331E4F0A68358B29499EDECF15D41F9BC722CF4968C15315ACEC20B3E9B8AA34B877EE2F65A6EDA8D77C190161BA0CEA106B0BEED93F725F9E4F0BAA778F33D32C5DD6CB91A33BE55D140D4E52BFBA20B5122E32C41366F45A89BAD851A00D7D4BA230B9276D268A1FF5740C7C4E5C8FE353A9014C8890E5D69F05BFFD76799BB7BB07DEE9EC59DAD317294142088D11ACCCD31B8CF1E7779AD0A9566A08C65F3DDCAB0AE2E2F024F93B');
INSERT INTO "memory_segments" VALUES('notes',2,'2/2.0.0 1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')] (''id'', ''text'', ''company'')',1,X'EFD40DC759389DAB',X'73AC1CBD0C541FE9',X'61703C69FDAB0F4B',X'F09777DD1700304A');
INSERT INTO "memory_segments" VALUES('notes',3,'2/2.0.0 1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')] (''id'', ''text'', ''company'')',1,X'F5BA30F1CB520987',X'A11675779E3BECE2',X'1DD3F2BCF41139CE',X'CFAD0207585FA9C3');
CREATE TABLE messages (
	id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	at TEXT NOT NULL, 
	tries INTEGER NOT NULL, 
	due FLOAT NOT NULL, 
	error TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE one_time_links (
	hash TEXT NOT NULL, 
	person TEXT, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "one_time_links" VALUES('1b377467868cb00a2e59bf666a6973ed68e72c879a2d4266214266273a6656c1','ada',1795981947.18225);
CREATE TABLE people (
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	email TEXT, 
	password TEXT, 
	subject TEXT, 
	epoch BIGINT NOT NULL, 
	made_at TEXT NOT NULL, 
	seen_at TEXT, 
	PRIMARY KEY (name), 
	UNIQUE (subject)
);
INSERT INTO "people" VALUES('ada','admin',NULL,NULL,NULL,1795895547163,'2026-11-28T19:52:27.163Z',NULL);
CREATE TABLE project_versions (
	version BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	author TEXT NOT NULL, 
	base TEXT NOT NULL, 
	text TEXT NOT NULL, 
	changes TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "project_versions" VALUES(1,'2026-11-28T19:52:25.016Z','command line','/srv/penstock','credentials:
  acme:
    connector: custify
    api_key: "${env:CUSTIFY_API_KEY}"
    base_url: "http://127.0.0.1:8977"
    dialect: native
  flat:
    connector: custify
    base_url: "http://127.0.0.1:8977/api/"
    dialect: flat

sources:
  companies:
    type: file
    path: companies.csv
  people:
    type: file
    path: people.ndjson
  tasks:
    type: file
    path: tasks.csv
  notes:
    type: file
    path: notes.csv
  invoices:
    type: sql
    url: "sqlite:///shop.db"
    table: invoices
    cursor: updated_at
  signups:
    type: webhook
    auth: {type: key, header: X-API-Key}
    secret: "${env:HOOK_SECRET}"
    columns: {user_id: text, email: text}

datasets:
  companies:
    source: companies
    key: company_id
  people:
    source: people
    key: id
  tasks:
    source: tasks
    key: id
  notes:
    source: notes
    key: id
  invoices:
    source: invoices
    key: id
  signups:
    source: signups
    key: user_id
  replies:
    source: companies.responses
    key: delivery

destinations:
  companies:
    dataset: companies
    credential: acme
    template: upsert_company
    active: true
    responses: true
  people:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {user_id: id, email: email, company_id: company}
    active: true
  tasks:
    dataset: tasks
    credential: acme
    template: create_task
    fields: {name: name, company_id: company}
    attributes: none
    active: true
  notes:
    dataset: notes
    credential: acme
    template: create_note
    fields: {text: text, company_id: company}
    attributes: none
    active: true
  invoices:
    dataset: invoices
    credential: acme
    template: upsert_invoice
    fields: {company_id: company, amount: amount}
    attributes: none
    active: true
  posted:
    dataset: signups
    credential: acme
    template: upsert_person
    active: true
  flat_people:
    dataset: people
    credential: flat
    template: upsert_person
    fields: {user_id: id, email: email}
    attributes: none

flows:
  nightly:
    schedule: "0 2 * * *"
    timezone: Europe/Berlin
    destinations: [companies, people, tasks]
','[{"path":"credentials","change":"added","before":null,"after":"***"},{"path":"sources","change":"added","before":null,"after":"***"},{"path":"datasets","change":"added","before":null,"after":"{companies: {source: companies, key: company_id}, people: {source: people, key: id}, tasks: {source: tasks, key: id}, notes: {source: notes, key: id}, invoices: {source: invoices, key: id}, signups: …"},{"path":"destinations","change":"added","before":null,"after":"{companies: {dataset: companies, credential: acme, template: upsert_company, active: true, responses: true}, people: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id,…"},{"path":"flows","change":"added","before":null,"after":"{nightly: {schedule: \"0 2 * * *\", timezone: Europe/Berlin, destinations: [companies, people, tasks]}}"}]');
CREATE TABLE pushed (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	source TEXT NOT NULL, 
	at TEXT NOT NULL, 
	record TEXT NOT NULL
);
INSERT INTO "pushed" VALUES(1,'signups','2026-11-28T19:52:49.469Z','{"user_id":"w1","email":"w1@x.example"}');
INSERT INTO "pushed" VALUES(2,'signups','2026-11-28T19:52:49.505Z','{"user_id":"w2","email":"w2@x.example"}');
CREATE TABLE pushed_sources (
	source TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	tip BIGINT NOT NULL, 
	last_at TEXT NOT NULL, 
	PRIMARY KEY (source)
);
INSERT INTO "pushed_sources" VALUES('signups',2,2,'2026-11-28T19:52:49.505Z');
CREATE TABLE quarantine (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	destination TEXT NOT NULL, 
	identity BLOB NOT NULL, 
	"key" TEXT, 
	outcome TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	field TEXT, 
	rule TEXT NOT NULL, 
	value TEXT, 
	accepted TEXT, 
	at TEXT NOT NULL, 
	run TEXT NOT NULL, 
	record TEXT NOT NULL, 
	record_print BIGINT NOT NULL, 
	edited BOOLEAN NOT NULL, 
	content BIGINT, 
	settings TEXT NOT NULL, 
	request TEXT, 
	reply TEXT
);
INSERT INTO "quarantine" VALUES(1,'companies',X'00000000000000001B8C860CDE2B24D0',NULL,'quarantined','key','the record has no key: a key column is null or blank',NULL,'key',NULL,'a value in every key column','2026-11-28T19:53:02.929Z','r-20261128-195302-2kzf2q','{"company_id":null,"name":"No key","size":1}',-3448583181966078949,0,NULL,'1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')]',NULL,NULL);
INSERT INTO "quarantine" VALUES(3,'tasks',X'E5FB173A0D754DA93CC32AC1FA3432C0','"t1"','quarantined','422','422: Simulated by the sandbox (Custify)',NULL,'422',NULL,NULL,'2026-11-28T19:52:14.095Z','r-20261128-195214-etfrqx','{"id":"t1","name":"Call","company":"k1"}',2500151535014686828,0,5320874602994426919,'1 DestinationSpec(name=''tasks'', dataset=''tasks'', credential=''acme'', template=''create_task'', request=None, fields=mappingproxy({''name'': Binding(column=''name'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''name'', ''text''), (''company'', ''text'')]','{"method":"POST","url":"http://127.0.0.1:8977/task","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"name\":\"Call\",\"company_id\":\"k1\",\"priority\":\"medium\",\"status\":\"open\",\"externalId\":\"t1\"}"}','{"status":422,"headers":{"content-type":"application/json; charset=utf-8","content-length":"86","date":"Sat, 28 Nov 2026 19:52:14 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"error\":\"Unprocessable Entity\",\"message\":\"Simulated by the sandbox\",\"statusCode\":422}"}');
INSERT INTO "quarantine" VALUES(4,'notes',X'21625EC516E45A49949BB4D46DA233D7','"n1"','unknown','no answer','sent, no answer: the connection was cut before the answer came',NULL,'no answer',NULL,NULL,'2026-11-28T19:52:16.134Z','r-20261128-195216-fbfqza','{"id":"n1","text":"Hello","company":"k1"}',8510178119206473154,0,-726626424524709802,'1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')]','{"method":"POST","url":"http://127.0.0.1:8977/note","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"text\":\"Hello\",\"entity\":\"6b0b30edbfe551b446000002\",\"entityModel\":\"Company\"}"}','{"error":"the connection was cut before the answer came"}');
CREATE TABLE responses (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	destination TEXT NOT NULL, 
	record TEXT NOT NULL
);
INSERT INTO "responses" VALUES(1,'companies','{"sent_at":"2026-11-28T19:52:13.175Z","run":"r-20261128-195213-42jm4v","delivery":"r-20261128-195213-42jm4v-0","attempt":1,"request":{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"company\",\"payload\":{\"company_id\":\"k1\",\"name\":\"Acme\",\"size\":10}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k2\",\"name\":\"Globex\",\"size\":20}}],\"synchronous\":false,\"returnJobId\":true}"},"response":{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:52:13 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30edbfe551b446000001\",\"status\":\"pending\",\"results\":[]}"},"duration_ms":9.06750199999351,"outcome":"accepted","records":["k1","k2"],"error":null}');
INSERT INTO "responses" VALUES(2,'companies','{"sent_at":"2026-11-28T19:52:13.441Z","run":"r-20261128-195213-42jm4v","delivery":"r-20261128-195213-42jm4v-0","attempt":1,"request":{"method":"GET","url":"http://127.0.0.1:8977/batch/6b0b30edbfe551b446000001","headers":{"Accept":"application/json"},"body":null},"response":{"status":200,"headers":{"content-type":"application/json; charset=utf-8","content-length":"260","date":"Sat, 28 Nov 2026 19:52:13 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b30edbfe551b446000001\",\"status\":\"completed\",\"results\":[{\"index\":0,\"type\":\"company\",\"status\":\"success\",\"statusCode\":200,\"id\":\"6b0b30edbfe551b446000002\"},{\"index\":1,\"type\":\"company\",\"status\":\"success\",\"statusCode\":200,\"id\":\"6b0b30edbfe551b446000003\"}]}"},"duration_ms":1.206441000022096,"outcome":"delivered","records":["k1","k2"],"error":null}');
INSERT INTO "responses" VALUES(3,'companies','{"sent_at":"2026-11-28T19:53:02.930Z","run":"r-20261128-195302-2kzf2q","delivery":"r-20261128-195302-2kzf2q-0","attempt":1,"request":{"method":"POST","url":"http://127.0.0.1:8977/batch","headers":{"Accept":"application/json","Content-Type":"application/json"},"body":"{\"jobs\":[{\"type\":\"company\",\"payload\":{\"company_id\":\"k3\",\"name\":\"Company 3\",\"size\":3}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k4\",\"name\":\"Company 4\",\"size\":4}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k5\",\"name\":\"Company 5\",\"size\":5}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k6\",\"name\":\"Company 6\",\"size\":6}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k7\",\"name\":\"Company 7\",\"size\":7}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k8\",\"name\":\"Company 8\",\"size\":8}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k9\",\"name\":\"Company 9\",\"size\":9}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k10\",\"name\":\"Company 10\",\"size\":10}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k11\",\"name\":\"Company 11\",\"size\":11}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k12\",\"name\":\"Company 12\",\"size\":12}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k13\",\"name\":\"Company 13\",\"size\":13}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k14\",\"name\":\"Company 14\",\"size\":14}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k15\",\"name\":\"Company 15\",\"size\":15}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k16\",\"name\":\"Company 16\",\"size\":16}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k17\",\"name\":\"Company 17\",\"size\":17}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k18\",\"name\":\"Company 18\",\"size\":18}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k19\",\"name\":\"Company 19\",\"size\":19}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k20\",\"name\":\"Company 20\",\"size\":20}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k21\",\"name\":\"Company 21\",\"size\":21}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k22\",\"name\":\"Company 22\",\"size\":22}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k23\",\"name\":\"Company 23\",\"size\":23}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k24\",\"name\":\"Company 24\",\"size\":24}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k25\",\"name\":\"Company 25\",\"size\":25}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k26\",\"name\":\"Company 26\",\"size\":26}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k27\",\"name\":\"Company 27\",\"size\":27}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k28\",\"name\":\"Company 28\",\"size\":28}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k29\",\"name\":\"Company 29\",\"size\":29}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k30\",\"name\":\"Company 30\",\"size\":30}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k31\",\"name\":\"Company 31\",\"size\":31}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k32\",\"name\":\"Company 32\",\"size\":32}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k33\",\"name\":\"Company 33\",\"size\":33}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k34\",\"name\":\"Company 34\",\"size\":34}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k35\",\"name\":\"Company 35\",\"size\":35}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k36\",\"name\":\"Company 36\",\"size\":36}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k37\",\"name\":\"Company 37\",\"size\":37}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k38\",\"name\":\"Company 38\",\"size\":38}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k39\",\"name\":\"Company 39\",\"size\":39}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k40\",\"name\":\"Company 40\",\"size\":40}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k41\",\"name\":\"Company 41\",\"size\":41}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k42\",\"name\":\"Company 42\",\"size\":42}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k43\",\"name\":\"Company 43\",\"size\":43}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k44\",\"name\":\"Company 44\",\"size\":44}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k45\",\"name\":\"Company 45\",\"size\":45}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k46\",\"name\":\"Company 46\",\"size\":46}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k47\",\"name\":\"Company 47\",\"size\":47}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k48\",\"name\":\"Company 48\",\"size\":48}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k49\",\"name\":\"Company 49\",\"size\":49}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k50\",\"name\":\"Company 50\",\"size\":50}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k51\",\"name\":\"Company 51\",\"size\":51}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k52\",\"name\":\"Company 52\",\"size\":52}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k53\",\"name\":\"Company 53\",\"size\":53}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k54\",\"name\":\"Company 54\",\"size\":54}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k55\",\"name\":\"Company 55\",\"size\":55}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k56\",\"name\":\"Company 56\",\"size\":56}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k57\",\"name\":\"Company 57\",\"size\":57}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k58\",\"name\":\"Company 58\",\"size\":58}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k59\",\"name\":\"Company 59\",\"size\":59}},{\"type\":\"company\",\"payload\":{\"company_id\":\"k60\",\"name\":\"Company 60\",\"size\":60}}],\"synchronous\":false,\"returnJobId\":true}"},"response":{"status":202,"headers":{"content-type":"application/json; charset=utf-8","content-length":"65","date":"Sat, 28 Nov 2026 19:53:02 GMT","server":"Python/3.11 aiohttp/3.14.5"},"body":"{\"id\":\"6b0b311ebfe551b44600000f\",\"status\":\"pending\",\"results\":[]}"},"duration_ms":3.0636279999498583,"outcome":"accepted","records":["k3","k4","k5","k6","k7","k8","k9","k10","k11","k12","k13","k14","k15","k16","k17","k18","k19","k20","k21","k22","k23","k24","k25","k26","k27","k28","k29","k30","k31","k32","k33","k34","k35","k36","k37","k38","k39","k40","k41","k42","k43","k44","k45","k46","k47","k48","k49","k50","k51","k52","k53","k54","k55","k56","k57","k58","k59","k60"],"error":null}');
CREATE TABLE runs (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	parent TEXT, 
	status TEXT NOT NULL, 
	resumable BOOLEAN NOT NULL, 
	read BIGINT NOT NULL, 
	delivered BIGINT NOT NULL, 
	accepted BIGINT NOT NULL, 
	unchanged BIGINT NOT NULL, 
	quarantined BIGINT NOT NULL, 
	unknown BIGINT NOT NULL, 
	waiting BIGINT NOT NULL, 
	unsent BIGINT NOT NULL, 
	deleted BIGINT NOT NULL, 
	requests BIGINT NOT NULL, 
	retries BIGINT NOT NULL, 
	duration_s FLOAT NOT NULL, 
	notes TEXT NOT NULL, 
	skipped TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	input_identity TEXT, 
	input_rows BIGINT, 
	frozen TEXT, 
	window TEXT, 
	settings TEXT, 
	holder TEXT, 
	reason TEXT, 
	stopped_by TEXT, 
	started_at TEXT NOT NULL, 
	finished_at TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('r-20261128-195213-jzvsag','flow','nightly',NULL,'partial',0,8,5,0,0,3,0,0,0,0,6,0,6.85393166000039855134e-01,'[]','{}',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-28T19:52:13.028Z','2026-11-28T19:52:14.110Z');
INSERT INTO "runs" VALUES('r-20261128-195213-42jm4v','destination','companies','r-20261128-195213-jzvsag','partial',0,3,2,0,0,1,0,0,0,0,2,0,3.44081464000055348151e-01,'[]','{}',3,'684f96a1245944de7653a496',3,NULL,NULL,'1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')]',NULL,NULL,NULL,'2026-11-28T19:52:13.068Z','2026-11-28T19:52:13.468Z');
INSERT INTO "runs" VALUES('r-20261128-195213-8cz6fa','destination','people','r-20261128-195213-jzvsag','partial',0,3,2,0,0,1,0,0,0,0,2,0,2.84782653999968715652e-01,'[["company_id","renamed","stands in companies[].company_id in Custify''s API",3]]','{}',3,'6d05f870c1b7e8dcdd1354d9',3,NULL,NULL,'1 DestinationSpec(name=''people'', dataset=''people'', credential=''acme'', template=''upsert_person'', request=None, fields=mappingproxy({''user_id'': Binding(column=''id'', constant=None, default=None), ''email'': Binding(column=''email'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''email'', ''text''), (''company'', ''text''), (''plan'', ''text''), (''tags'', ''json'')]',NULL,NULL,NULL,'2026-11-28T19:52:13.501Z','2026-11-28T19:52:14.009Z');
INSERT INTO "runs" VALUES('r-20261128-195214-etfrqx','destination','tasks','r-20261128-195213-jzvsag','partial',0,2,1,0,0,1,0,0,0,0,2,0,5.65290480000157913309e-02,'[["priority","defaulted","medium, because Custify''s API wants it",2],["status","defaulted","open, because Custify''s API wants it",2],["external_id","derived","externalId is made from id, so that it stays the same",2],["attributes","left out","not among the attributes: id",2]]','{}',2,'a1ad7804fe09382f3d1fe206',2,NULL,NULL,'1 DestinationSpec(name=''tasks'', dataset=''tasks'', credential=''acme'', template=''create_task'', request=None, fields=mappingproxy({''name'': Binding(column=''name'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''name'', ''text''), (''company'', ''text'')]',NULL,NULL,NULL,'2026-11-28T19:52:14.025Z','2026-11-28T19:52:14.105Z');
INSERT INTO "runs" VALUES('r-20261128-195216-fbfqza','destination','notes',NULL,'partial',0,2,1,0,0,0,1,0,0,0,4,0,4.80447319999939281842e-02,'[["company_id","renamed","stands in entity or entityModel in Custify''s API",2],["attributes","left out","not among the attributes: id",2]]','{}',2,'0d436efe76dc43d66b601fc7',2,NULL,NULL,'1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')]',NULL,NULL,NULL,'2026-11-28T19:52:16.078Z','2026-11-28T19:52:16.144Z');
INSERT INTO "runs" VALUES('r-20261128-195217-rxa3tc','destination','invoices',NULL,'succeeded',0,2,2,0,0,0,0,0,0,0,2,0,4.69749530000171944266e-02,'[["amount","renamed","stands in total in Custify''s API",2],["external_id","derived","externalId is made from id, so that it stays the same",2],["attributes","left out","not among the attributes: id, updated_at",2]]','{}',2,NULL,2,'/srv/penstock/.penstock/frozen/r-20261128-195217-rxa3tc.arrow','{"value":"2026-01-02T00:00:00Z","ties":[622444127305734970],"kind":"text"}','1 DestinationSpec(name=''invoices'', dataset=''invoices'', credential=''acme'', template=''upsert_invoice'', request=None, fields=mappingproxy({''company_id'': Binding(column=''company'', constant=None, default=None), ''amount'': Binding(column=''amount'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''company'', ''text''), (''amount'', ''number'')]',NULL,NULL,NULL,'2026-11-28T19:52:17.705Z','2026-11-28T19:52:17.771Z');
INSERT INTO "runs" VALUES('r-20261128-195219-hqvst8','flow','nightly',NULL,'partial',0,8,0,0,5,3,0,0,0,0,0,0,4.69753929999114916427e-02,'[]','{}',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-28T19:52:19.301Z','2026-11-28T19:52:19.397Z');
INSERT INTO "runs" VALUES('r-20261128-195219-qsxy4x','destination','companies','r-20261128-195219-hqvst8','partial',0,3,0,0,2,1,0,0,0,0,0,0,3.76028079999741748906e-02,'[]','{}',3,'684f96a1245944de7653a496',3,NULL,NULL,'1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')]',NULL,NULL,NULL,'2026-11-28T19:52:19.312Z','2026-11-28T19:52:19.365Z');
INSERT INTO "runs" VALUES('r-20261128-195219-2vtj63','destination','people','r-20261128-195219-hqvst8','partial',0,3,0,0,2,1,0,0,0,0,0,0,4.48583999991569726262e-03,'[["company_id","renamed","stands in companies[].company_id in Custify''s API",3]]','{}',3,'6d05f870c1b7e8dcdd1354d9',3,NULL,NULL,'1 DestinationSpec(name=''people'', dataset=''people'', credential=''acme'', template=''upsert_person'', request=None, fields=mappingproxy({''user_id'': Binding(column=''id'', constant=None, default=None), ''email'': Binding(column=''email'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''email'', ''text''), (''company'', ''text''), (''plan'', ''text''), (''tags'', ''json'')]',NULL,NULL,NULL,'2026-11-28T19:52:19.369Z','2026-11-28T19:52:19.380Z');
INSERT INTO "runs" VALUES('r-20261128-195219-8x6u69','destination','tasks','r-20261128-195219-hqvst8','partial',0,2,0,0,1,1,0,0,0,0,0,0,4.88674500002161948941e-03,'[["priority","defaulted","medium, because Custify''s API wants it",2],["status","defaulted","open, because Custify''s API wants it",2],["external_id","derived","externalId is made from id, so that it stays the same",2],["attributes","left out","not among the attributes: id",2]]','{}',2,'a1ad7804fe09382f3d1fe206',2,NULL,NULL,'1 DestinationSpec(name=''tasks'', dataset=''tasks'', credential=''acme'', template=''create_task'', request=None, fields=mappingproxy({''name'': Binding(column=''name'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''name'', ''text''), (''company'', ''text'')]',NULL,NULL,NULL,'2026-11-28T19:52:19.384Z','2026-11-28T19:52:19.395Z');
INSERT INTO "runs" VALUES('r-20261128-195250-vwgh4m','destination','posted',NULL,'succeeded',0,2,2,0,0,0,0,0,0,0,2,0,3.34858289999942826398e-01,'[]','{}',2,NULL,2,'/srv/penstock/.penstock/frozen/r-20261128-195250-vwgh4m.arrow','{"value":"2","ties":[],"kind":"record of signups"}','1 DestinationSpec(name=''posted'', dataset=''signups'', credential=''acme'', template=''upsert_person'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''user_id'',) [(''user_id'', ''text''), (''email'', ''text'')]',NULL,NULL,NULL,'2026-11-28T19:52:50.685Z','2026-11-28T19:52:51.343Z');
INSERT INTO "runs" VALUES('r-20261128-195254-f8zfwp','destination','invoices',NULL,'succeeded',0,0,0,0,0,0,0,0,0,0,0,0,1.66843700003482808824e-03,'[["amount","renamed","stands in total in Custify''s API",0],["external_id","derived","externalId is made from id, so that it stays the same",0],["attributes","left out","not among the attributes: id, updated_at",0]]','{}',0,NULL,0,'/srv/penstock/.penstock/frozen/r-20261128-195254-f8zfwp.arrow','{"value":"2026-01-02T00:00:00Z","ties":[622444127305734970],"kind":"text"}','1 DestinationSpec(name=''invoices'', dataset=''invoices'', credential=''acme'', template=''upsert_invoice'', request=None, fields=mappingproxy({''company_id'': Binding(column=''company'', constant=None, default=None), ''amount'': Binding(column=''amount'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''company'', ''text''), (''amount'', ''number'')]',NULL,NULL,NULL,'2026-11-28T19:52:54.747Z','2026-11-28T19:52:54.757Z');
INSERT INTO "runs" VALUES('r-20261128-195302-2kzf2q','destination','companies',NULL,'running',1,61,0,58,2,1,0,0,0,0,2,0,5.33122576999971897748e-01,'[]','{}',61,'f3b1f106d4e9281dda68a073',NULL,NULL,NULL,'1 DestinationSpec(name=''companies'', dataset=''companies'', credential=''acme'', template=''upsert_company'', request=None, fields=None, attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''company_id'',) [(''company_id'', ''text''), (''name'', ''text''), (''size'', ''integer'')]','process 11885 on vm since 2026-11-28T19:53:02.886Z',NULL,NULL,'2026-11-28T19:53:02.886Z',NULL);
INSERT INTO "runs" VALUES('r-20261128-195320-au5hjt','destination','notes',NULL,'partial',0,4,2,0,1,0,1,0,0,0,2,0,3.05787193200001183868e+00,'[["company_id","renamed","stands in entity or entityModel in Custify''s API",4],["attributes","left out","not among the attributes: id",4]]','{}',4,'bb09e61fcc6587fc32045b28',NULL,NULL,NULL,'1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')]',NULL,NULL,NULL,'2026-11-28T19:53:20.671Z','2026-11-28T19:53:23.750Z');
INSERT INTO "runs" VALUES('r-20261128-195328-c97k7d','destination','people',NULL,'running',1,3,0,0,3,0,0,0,0,0,1,0,5.28019421000067268323e-01,'[["company_id","renamed","stands in companies[].company_id in Custify''s API",3]]','{}',0,'e414970ef6ae717cdb4c8e74',NULL,NULL,NULL,'1 DestinationSpec(name=''people'', dataset=''people'', credential=''acme'', template=''upsert_person'', request=None, fields=mappingproxy({''user_id'': Binding(column=''id'', constant=None, default=None), ''email'': Binding(column=''email'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''all'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''email'', ''text''), (''company'', ''text''), (''plan'', ''text''), (''tags'', ''json'')]','process 12038 on vm since 2026-11-28T19:53:28.698Z',NULL,NULL,'2026-11-28T19:53:28.698Z',NULL);
INSERT INTO "runs" VALUES('r-20261128-195344-ey6fdz','destination','notes',NULL,'running',1,4,0,0,3,0,1,0,0,0,1,0,5.41009451000036278855e-01,'[["company_id","renamed","stands in entity or entityModel in Custify''s API",4],["attributes","left out","not among the attributes: id",4]]','{}',0,'32e2b9ccf8363a5870fedb88',NULL,NULL,NULL,'1 DestinationSpec(name=''notes'', dataset=''notes'', credential=''acme'', template=''create_note'', request=None, fields=mappingproxy({''text'': Binding(column=''text'', constant=None, default=None), ''company_id'': Binding(column=''company'', constant=None, default=None)}), attributes=''none'', exclude=(), nulls=''omit'', mode=None, active=None, path=None, object=None, concurrency=0, batch=BatchSpec(mode=''auto'', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None, on_changed=''quarantine'', external_id=None, data_id=None, responses=False, line=None) native http://127.0.0.1:8977 (''id'',) [(''id'', ''text''), (''text'', ''text''), (''company'', ''text'')]','process 12246 on vm since 2026-11-28T19:53:44.584Z',NULL,NULL,'2026-11-28T19:53:44.584Z',NULL);
CREATE TABLE schedules (
	flow TEXT NOT NULL, 
	paused BOOLEAN NOT NULL, 
	"by" TEXT, 
	at TEXT, 
	rule TEXT, 
	done TEXT, 
	seen TEXT, 
	PRIMARY KEY (flow)
);
INSERT INTO "schedules" VALUES('nightly',0,NULL,NULL,'0 2 * * * | Europe/Berlin','2026-11-28T19:52:49.467Z',NULL);
CREATE TABLE seen_posts (
	source TEXT NOT NULL, 
	post TEXT NOT NULL, 
	until FLOAT NOT NULL, 
	PRIMARY KEY (source, post)
);
CREATE TABLE settings (
	name TEXT NOT NULL, 
	document TEXT NOT NULL, 
	at TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('pruned','{"removed":{"exchanges":0,"ledger":0,"runs":0,"responses":0,"audit":0,"alerts":0,"ticks":0,"one_time_links":0,"answers":0}}','2026-11-28T19:52:49.472Z','retention');
CREATE TABLE span_parts (
	minutes INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	destination TEXT NOT NULL, 
	word TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (minutes, at, destination, word)
);
CREATE TABLE switches (
	destination TEXT NOT NULL, 
	state TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (destination)
);
INSERT INTO "switches" VALUES('tasks','paused','command line','2026-11-28T19:52:32.396Z');
CREATE TABLE tallies (
	name TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (name, labels)
);
INSERT INTO "tallies" VALUES('asked','[]',1795895569.44329);
CREATE TABLE ticks (
	flow TEXT NOT NULL, 
	due TEXT NOT NULL, 
	missed INTEGER NOT NULL, 
	run TEXT, 
	PRIMARY KEY (flow, due)
);
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	expires_at TEXT, 
	used_at TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);
INSERT INTO "tokens" VALUES('t-096fffabab52','bd38c64ccce690a5995be90b67e17a49cac69e2fc5bbed8fcf870b41dbbb049e','ada','ci','operator','2026-11-28T19:52:29.683Z',NULL,NULL);
INSERT INTO "tokens" VALUES('t-70d7153fab36','87fd643e920a5bca6e51b4b254f77ff8a2c9947a5066d68461fe1af0b80a0fa7','ada','ci2','operator','2026-11-28T19:52:51.173Z',NULL,'2026-11-28T19:52:54.505Z');
CREATE TABLE tries (
	who TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	last FLOAT NOT NULL, 
	closed_until FLOAT NOT NULL, 
	PRIMARY KEY (who)
);
CREATE TABLE work (
	run TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	lane TEXT NOT NULL, 
	"trigger" TEXT NOT NULL, 
	asked_by TEXT NOT NULL, 
	asked_at TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	version TEXT, 
	worker TEXT, 
	stop TEXT, 
	stop_by TEXT, 
	not_before TEXT, 
	payload TEXT, 
	progress TEXT, 
	PRIMARY KEY (run)
);
INSERT INTO "work" VALUES('r-20261128-195250-vwgh4m','destination','posted','acme','intake','intake','2026-11-28T19:52:50.329Z','ended',1,'0.1.0',NULL,NULL,NULL,NULL,NULL,'{"target":"posted","records":{"read":0,"delivered":0,"accepted":0,"unchanged":0,"quarantined":0,"unknown":0,"waiting":0,"unsent":0},"requests":0,"total":2,"elapsed_s":0.001,"rate_per_s":0.0,"waiting_for_allowance_s":0.0,"phase":"sending"}');
INSERT INTO "work" VALUES('r-20261128-195254-f8zfwp','destination','invoices','acme','person:ada','ada','2026-11-28T19:52:54.537Z','ended',1,'0.1.0',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE workers (
	id TEXT NOT NULL, 
	version TEXT NOT NULL, 
	place TEXT NOT NULL, 
	since TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX runs_newest ON runs (started_at, id) WHERE parent IS NULL;
CREATE INDEX runs_newest_of_target ON runs (target, started_at, id);
CREATE INDEX runs_of_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_newest_in_status ON runs (status, started_at, id) WHERE parent IS NULL;
CREATE INDEX runs_of_target ON runs (target, kind, started_at, id);
CREATE INDEX ledger_of_run ON ledger_batches (run, top);
CREATE INDEX ledger_deliveries ON ledger_batches (run, delivery);
CREATE INDEX quarantine_of_cause ON quarantine (destination, cause);
CREATE UNIQUE INDEX quarantine_of_key ON quarantine (destination, identity);
CREATE INDEX responses_of ON responses (destination, id);
CREATE INDEX answers_until ON answers (until);
CREATE INDEX pushed_of_source ON pushed (source, id);
CREATE INDEX seen_posts_until ON seen_posts (until);
CREATE INDEX tokens_of ON tokens (owner);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_person ON audit (who, id);
CREATE INDEX work_by_state ON work (state, asked_at);
CREATE INDEX work_of_target ON work (target, kind, state);
CREATE INDEX ticks_waiting ON ticks (run, flow);
CREATE VIEW ledger AS
WITH RECURSIVE unkeyed(batch, item, ordinal, rest) AS (
    SELECT b.id, json_extract(r.value, '$[2]'), json_extract(r.value, '$[0]'), json_extract(r.value, '$[1]')
    FROM ledger_batches b, json_each(b.ordinals) r WHERE b.keys IS NULL
    UNION ALL
    SELECT batch, item + 1, ordinal + 1, rest - 1 FROM unkeyed WHERE rest > 1
), records(batch, item, ordinal, key) AS (
    SELECT b.id, k.key, (
        SELECT json_extract(r.value, '$[0]') + k.key - json_extract(r.value, '$[2]') FROM json_each(b.ordinals) r
        WHERE json_extract(r.value, '$[2]') <= k.key ORDER BY r.key DESC LIMIT 1
    ), k.value
    FROM ledger_batches b, json_each(b.keys) k
    UNION ALL
    SELECT batch, item, ordinal, NULL FROM unkeyed
)
SELECT b.run AS run, r.ordinal AS ordinal, r.key AS "key", coalesce(x.outcome, b.outcome) AS outcome,
    CASE WHEN x.batch IS NULL THEN b.reason ELSE x.reason END AS reason, x.field AS field, b.delivery AS delivery,
    b.status AS status, b.at AS at, b.is_test AS is_test
FROM records r JOIN ledger_batches b ON b.id = r.batch
LEFT JOIN ledger_exceptions x ON x.batch = r.batch AND x.item = r.item;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit',14);
INSERT INTO "sqlite_sequence" VALUES('quarantine',6);
INSERT INTO "sqlite_sequence" VALUES('responses',3);
INSERT INTO "sqlite_sequence" VALUES('pushed',2);
COMMIT;
